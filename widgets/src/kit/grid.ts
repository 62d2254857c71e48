// Rows by columns of cells with labels that stay in sight. Only the cells in view exist, so thousands cost what a screen costs.
import { h, onFrame, setAttributes } from "./dom";
import { clampCell, move, type Cell, type Shape } from "./keyboard";

export type PickMode = "one" | "toggle" | "range";

export interface GridSource extends Shape {
  label: string;
  corner: string;
  /** Row 0 is at the bottom, as layers are drawn. Rows below are always counted as the data counts them. */
  bottomUp: boolean;
  cellWidth: number;
  cellHeight: number;
  headWidth: number;
  paintCell(element: HTMLElement, row: number, column: number): void;
  paintRowHead(element: HTMLElement, row: number): void;
  paintColumnHead(element: HTMLElement, column: number): void;
  cellLabel(row: number, column: number): string;
  isSelected(row: number, column: number): boolean;
}

export interface GridEvents {
  hover(cell: Cell | null): void;
  focus(cell: Cell): void;
  /** `anchor` is where a range began. */
  pick(cell: Cell, mode: PickMode, anchor: Cell): void;
  clear(): void;
  scroll(): void;
}

export interface Port {
  left: number;
  top: number;
  width: number;
  height: number;
  totalWidth: number;
  totalHeight: number;
}

interface Row {
  element: HTMLElement;
  cells: Map<number, HTMLElement>;
}

const OVERSCAN = 2;
/** Height of the column labels, as in grid.css. */
const HEADS = 40;

export class Grid {
  readonly element: HTMLElement;
  readonly viewport: HTMLElement;
  readonly #body = h("div", { class: "mi-grid-body", role: "presentation" });
  readonly #heads: Row = { element: h("div", { class: "mi-grid-heads", role: "row" }), cells: new Map() };
  readonly #corner = h("div", { class: "mi-grid-corner", role: "columnheader" });
  readonly #rows = new Map<number, Row>();
  #source: GridSource | null = null;
  #active: Cell = { row: 0, column: 0 };
  #anchor: Cell | null = null;
  #start: Cell | null = null;
  #pointer = "";
  #hovered: Cell | null = null;
  #columnsShown: [number, number] = [0, -1];
  /** What the viewport shows and how much there is, in pixels; read once per layout, since reading makes the browser lay out. */
  #port: Port = { left: 0, top: 0, width: 0, height: 0, totalWidth: 0, totalHeight: 0 };

  constructor(private readonly events: GridEvents, signal: AbortSignal) {
    this.#heads.element.append(this.#corner);
    const properties = {
      class: "mi-grid",
      role: "grid",
      "aria-multiselectable": "true",
      onscroll: onFrame(() => this.layout(), signal),
      onpointerover: (event: PointerEvent) => this.#pointed(event),
      onpointerleave: () => this.#hover(null),
      onclick: (event: MouseEvent) => this.#click(event),
      onkeydown: (event: KeyboardEvent) => this.#key(event),
      onfocusin: (event: FocusEvent) => this.#focused(event),
      // Shift and click extends the selection of cells, not of text.
      onmousedown: (event: MouseEvent) => event.shiftKey && event.preventDefault(),
    };
    this.viewport = h("div", properties, this.#body, this.#heads.element);
    this.element = h("div", { class: "mi-grid-frame" }, this.viewport);
    // It may be drawn before the page has given it a size, or its style sheet.
    const sized = new ResizeObserver(() => this.layout());
    sized.observe(this.viewport);
    signal.addEventListener("abort", () => sized.disconnect());
  }

  /** Show other data, or the same with other colours; keeps the focus and the scroll position where they still exist. */
  update(source: GridSource): void {
    if (this.#source?.rows !== source.rows || this.#source.columns !== source.columns) this.#anchor = null;
    this.#source = source;
    const { viewport } = this;
    const body = this.#body;
    const heads = this.#heads;
    setAttributes(viewport, { "aria-label": source.label, "aria-rowcount": source.rows + 1, "aria-colcount": source.columns + 1 });
    const sizes = { cell_width: source.cellWidth, cell_height: source.cellHeight, head_width: source.headWidth };
    for (const [name, size] of Object.entries(sizes)) viewport.style.setProperty(`--mi-${name.replace("_", "-")}`, `${size}px`);
    const width = source.headWidth + source.columns * source.cellWidth;
    body.style.width = heads.element.style.width = `${width}px`;
    body.style.height = `${source.rows * source.cellHeight}px`;
    this.#corner.textContent = source.corner;
    setAttributes(heads.element, { "aria-rowindex": source.rows + 1 });
    this.#active = clampCell(this.#active, source);
    this.repaint();
  }

  /** Draw every cell in view again. */
  repaint(): void {
    const focus = this.#body.contains(document.activeElement);
    for (const row of this.#rows.values()) row.element.remove();
    this.#rows.clear();
    for (const head of this.#heads.cells.values()) head.remove();
    this.#heads.cells.clear();
    this.layout();
    if (focus) this.focusCell(this.#active);
    this.#markHovered();
  }

  get activeCell(): Cell {
    return this.#active;
  }

  /** The columns in view, as [first, last]. */
  get visibleColumns(): [number, number] {
    return this.#columnsShown;
  }

  get port(): Port {
    return this.#port;
  }

  /** Whether all columns are in view without scrolling. */
  get fits(): boolean {
    return this.#port.totalWidth <= this.#port.width + 1;
  }

  setActive(cell: Cell): void {
    const before = this.elementAt(this.#active);
    if (before) before.tabIndex = -1;
    this.#active = clampCell(cell, this.#source!);
    if (!this.elementAt(this.#active)) this.layout();
    const now = this.elementAt(this.#active);
    if (now) now.tabIndex = 0;
  }

  /** Begin at a cell, in view as soon as the grid has a size, whatever was in view before. */
  start(cell: Cell): void {
    this.viewport.scrollTo(0, 0);
    this.setActive(cell);
    this.#start = this.#active;
    this.layout();
  }

  focusCell(cell: Cell): void {
    this.setActive(cell);
    this.reveal(this.#active);
    this.#hover(null);
    this.elementAt(this.#active)?.focus({ preventScroll: true });
  }

  /** Scroll as little as it takes to show a cell clear of the labels. */
  reveal(cell: Cell): void {
    const { viewport } = this;
    const source = this.#source;
    if (!source) return;
    const left = cell.column * source.cellWidth;
    const width = viewport.clientWidth - source.headWidth - source.cellWidth;
    viewport.scrollLeft = Math.min(Math.max(viewport.scrollLeft, left - width), left);
    const top = this.#line(cell.row) * source.cellHeight;
    const height = viewport.clientHeight - HEADS - source.cellHeight;
    viewport.scrollTop = Math.min(Math.max(viewport.scrollTop, top - height), top);
    this.layout();
  }

  elementAt(cell: Cell): HTMLElement | undefined {
    return this.#rows.get(cell.row)?.cells.get(cell.column);
  }

  /** Call a function with every cell that exists now. */
  eachCell(visit: (element: HTMLElement, row: number, column: number) => void): void {
    for (const [row, { cells }] of this.#rows) for (const [column, element] of cells) visit(element, row, column);
  }

  /** Show the selection without drawing the cells again. */
  markSelected(): void {
    this.eachCell((element, row, column) => this.#select(element, row, column));
  }

  layout(): void {
    const { viewport } = this;
    const source = this.#source;
    if (!source) return;
    const { cellWidth, cellHeight, headWidth, rows, columns } = source;
    const start = this.#start;
    if (start && viewport.clientWidth > headWidth) {
      this.#start = null;
      return this.reveal(start);
    }
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = viewport;
    this.#port = {
      left: scrollLeft,
      top: scrollTop,
      width: clientWidth,
      height: clientHeight,
      totalWidth: headWidth + columns * cellWidth,
      totalHeight: HEADS + rows * cellHeight,
    };
    const clampRow = (row: number) => Math.min(Math.max(row, 0), rows - 1);
    const clampColumn = (column: number) => Math.min(Math.max(column, 0), columns - 1);
    const top = clampRow(Math.floor(scrollTop / cellHeight) - OVERSCAN);
    const bottom = clampRow(Math.ceil((scrollTop + clientHeight) / cellHeight) + OVERSCAN);
    const left = clampColumn(Math.floor(scrollLeft / cellWidth) - OVERSCAN);
    const right = clampColumn(Math.ceil((scrollLeft + clientWidth - headWidth) / cellWidth) + OVERSCAN);
    this.#columnsShown = [left, right];
    const lines = new Set<number>([this.#active.row]);
    for (let line = top; line <= bottom; line++) lines.add(this.#line(line));
    const wanted = new Set<number>();
    for (let column = left; column <= right; column++) wanted.add(column);
    this.#syncHeads(wanted);
    for (const [row, { element }] of this.#rows) {
      if (!lines.has(row)) {
        element.remove();
        this.#rows.delete(row);
      }
    }
    for (const row of lines) this.#syncRow(row, wanted);
    this.#shadows();
    this.events.scroll();
  }

  #syncHeads(wanted: Set<number>): void {
    this.#sync(this.#heads, wanted, -1, (column) => {
      const head = h("div", { class: "mi-grid-head", role: "columnheader", "aria-colindex": column + 2, "data-column": column });
      this.#source!.paintColumnHead(head, column);
      return head;
    });
  }

  #syncRow(index: number, wanted: Set<number>): void {
    let row = this.#rows.get(index);
    if (!row) {
      const line = this.#line(index);
      row = { element: h("div", { class: "mi-grid-row", role: "row", "aria-rowindex": line + 1 }), cells: new Map() };
      row.element.style.top = `${line * this.#source!.cellHeight}px`;
      const head = h("div", { class: "mi-grid-row-head", role: "rowheader", "data-row": index });
      this.#source!.paintRowHead(head, index);
      row.element.append(head);
      this.#rows.set(index, row);
      this.#insertRow(row.element, line);
    }
    // The cell in focus stays, or scrolling would lose the focus.
    this.#sync(row, wanted, index === this.#active.row ? this.#active.column : -1, (column) => this.#cell(index, column));
  }

  #sync(row: Row, wanted: Set<number>, keep: number, make: (column: number) => HTMLElement): void {
    for (const [column, element] of row.cells) {
      if (!wanted.has(column) && column !== keep) {
        element.remove();
        row.cells.delete(column);
      }
    }
    const first = Math.min(...row.cells.keys());
    const [before, after] = [document.createDocumentFragment(), document.createDocumentFragment()];
    const add = (column: number) => {
      if (row.cells.has(column)) return;
      const element = make(column);
      element.style.left = `${this.#source!.headWidth + column * this.#source!.cellWidth}px`;
      row.cells.set(column, element);
      (column < first && first !== Infinity ? before : after).append(element);
    };
    for (const column of wanted) add(column);
    if (keep >= 0) add(keep);
    row.element.firstElementChild!.after(before);
    row.element.append(after);
  }

  // Screen readers go by the order in the document.
  #insertRow(element: HTMLElement, line: number): void {
    const next = [...this.#body.children].find((other) => Number(other.getAttribute("aria-rowindex")) > line + 1);
    this.#body.insertBefore(element, next ?? null);
  }

  #cell(row: number, column: number): HTMLElement {
    const element = h("div", {
      class: "mi-cell",
      role: "gridcell",
      "aria-colindex": column + 2,
      "aria-label": this.#source!.cellLabel(row, column),
      "data-row": row,
      "data-column": column,
      tabindex: row === this.#active.row && column === this.#active.column ? 0 : -1,
    });
    this.#select(element, row, column);
    this.#source!.paintCell(element, row, column);
    return element;
  }

  #select(element: HTMLElement, row: number, column: number): void {
    const selected = this.#source!.isSelected(row, column);
    if (element.getAttribute("aria-selected") !== String(selected)) element.setAttribute("aria-selected", String(selected));
  }

  /** From a data row to its line on the screen, and back. */
  #line(row: number): number {
    return this.#source!.bottomUp ? this.#source!.rows - 1 - row : row;
  }

  #cellAt(target: EventTarget | null): Cell | null {
    const element = target instanceof Element ? target.closest<HTMLElement>(".mi-cell") : null;
    return element ? { row: Number(element.dataset.row), column: Number(element.dataset.column) } : null;
  }

  // What scrolls under a resting pointer is not pointed at.
  #pointed(event: PointerEvent): void {
    const pointer = `${event.clientX},${event.clientY}`;
    if (pointer !== this.#pointer) this.#hover(this.#cellAt(event.target));
    this.#pointer = pointer;
  }

  #hover(cell: Cell | null): void {
    if (cell?.row === this.#hovered?.row && cell?.column === this.#hovered?.column) return;
    this.#hovered = cell;
    this.#markHovered();
    this.events.hover(cell);
  }

  #markHovered(): void {
    for (const element of this.viewport.querySelectorAll(".mi-lit")) element.classList.remove("mi-lit");
    if (!this.#hovered) return;
    this.#heads.cells.get(this.#hovered.column)?.classList.add("mi-lit");
    this.#rows.get(this.#hovered.row)?.element.firstElementChild?.classList.add("mi-lit");
  }

  #click(event: MouseEvent): void {
    const cell = this.#cellAt(event.target);
    if (!cell) return;
    this.#anchor ??= this.#active;
    this.setActive(cell);
    this.elementAt(cell)?.focus({ preventScroll: true });
    this.#pick(cell, event);
  }

  #pick(cell: Cell, event: MouseEvent | KeyboardEvent): void {
    if (!event.shiftKey || !this.#anchor) this.#anchor = cell;
    const mode = event.shiftKey ? "range" : event.ctrlKey || event.metaKey ? "toggle" : "one";
    this.events.pick(cell, mode, this.#anchor);
  }

  #focused(event: FocusEvent): void {
    const cell = this.#cellAt(event.target);
    if (cell) this.events.focus(cell);
  }

  #key(event: KeyboardEvent): void {
    const from = this.#cellAt(event.target);
    if (!from || !this.#source || event.altKey) return;
    const onScreen = { row: this.#line(from.row), column: from.column };
    const to = move(event, onScreen, this.#source);
    if (to) {
      const cell = { row: this.#line(to.row), column: to.column };
      this.#anchor ??= from;
      this.focusCell(cell);
      if (event.shiftKey) this.#pick(cell, event);
      else this.#anchor = cell;
    } else if (event.key === "Enter" || event.key === " ") {
      this.#pick(from, event);
    } else if (event.key === "Escape") {
      this.events.clear();
    } else {
      return;
    }
    event.preventDefault();
  }

  // Shadows tell that there is more to scroll to.
  #shadows(): void {
    const { left, top, width, height, totalWidth, totalHeight } = this.#port;
    const { classList } = this.element;
    classList.toggle("mi-more-left", left > 1);
    classList.toggle("mi-more-right", left + width < totalWidth - 1);
    classList.toggle("mi-more-above", top > 1);
    classList.toggle("mi-more-below", top + height < totalHeight - 1);
  }
}
