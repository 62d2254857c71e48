// The heatmap: one array as coloured cells with numbers, further facets behind a control, details of a cell from Python.
import { Acting } from "../kit/acting";
import { h, onFrame } from "../kit/dom";
import { tokenElement } from "../kit/glyphs";
import { Grid, type PickMode } from "../kit/grid";
import { GRID_HELP, Help } from "../kit/help";
import { keepKeys, type Cell } from "../kit/keyboard";
import { Legend } from "../kit/legend";
import { Menu } from "../kit/menu";
import { assign, watch, type Model } from "../kit/model";
import { Overview } from "../kit/overview";
import { colourScale } from "../kit/scales";
import { rectangle, SelectionIndex, toggled, type Selection } from "../kit/selection";
import { onCopy } from "../kit/text_table";
import { watchTheme, type ThemeWatch } from "../kit/theme";
import { Tooltip } from "../kit/tooltip";
import { HeatmapData, type PackedFacet, type Spec } from "./data";
import { Facets } from "./facets";
import { Readout } from "./readout";
import { cellRows, saveCommands } from "./saving";
import { heatmapSource, rowHeadWidth, type HeatmapState } from "./source";

const WORTH_AN_OVERVIEW = 48;
const HELP = [...GRID_HELP.slice(0, -1), ["Backspace", "back from a cell's details"], GRID_HELP.at(-1)!] as const;

export class HeatmapView {
  readonly #root: HTMLElement;
  readonly #theme: ThemeWatch;
  readonly #acting: Acting;
  readonly #grid: Grid;
  readonly #tooltip: Tooltip;
  readonly #overview = new Overview((share) => this.#scrollTo(share));
  readonly #facets = new Facets((facet) => this.#choose(facet));
  readonly #legend = new Legend();
  readonly #readout = new Readout();
  readonly #title = h("span", { class: "mi-title" });
  readonly #hint = h("span", { class: "mi-note mi-heatmap-hint" });
  readonly #back = h("button", { class: "mi-button", type: "button", hidden: true, onclick: () => this.#goBack() }, "← Back");
  readonly #draw: () => void;
  #state!: HeatmapState;
  #hovered: Cell | null = null;

  constructor(private readonly model: Model, el: HTMLElement, signal: AbortSignal) {
    this.#root = h("div", { class: "mi-root mi-column mi-heatmap", role: "group" });
    el.append(this.#root);
    this.#draw = onFrame(() => this.#update(), signal);
    const redraw = () => this.#draw();
    this.#theme = watchTheme(this.#root, redraw, signal);
    this.#acting = new Acting(model, () => this.#updateActing(), signal);
    this.#grid = new Grid(
      {
        hover: (cell) => this.#hover(cell),
        focus: () => this.#updateReadout(),
        pick: (cell, mode, anchor) => this.#pick(cell, mode, anchor),
        clear: () => this.#select([]),
        scroll: () => this.#scrolled(),
      },
      signal,
    );
    const help = new Help(this.#root, HELP);
    const commands = saveCommands(() => this.#state, () => this.#theme.current(), () => this.#grid.visibleColumns);
    const menu = new Menu("Save", "⤓", commands);
    const head = h("div", { class: "mi-head" }, this.#title, menu.element, help.button);
    const bar = h("div", { class: "mi-bar mi-heatmap-bar" }, this.#back, this.#facets.element, this.#readout.element);
    const act = h("div", { class: "mi-bar mi-ask" }, this.#hint, this.#acting.element);
    const picture = h("div", { class: "mi-picture" }, this.#overview.element, this.#grid.element, this.#legend.element);
    this.#root.append(head, bar, picture, act, help.element);
    this.#tooltip = new Tooltip(this.#root);
    this.#tooltip.attach(this.#root, (target) => this.#explain(target));
    this.#root.addEventListener("keydown", (event) => this.#key(event));
    keepKeys(this.#root, signal);
    onCopy(this.#grid.element, () => this.#copied());
    watch(model, ["spec", "arrays", "title", "facet", "depth"], redraw, signal);
    watch(model, ["selection"], () => this.#showSelection(), signal);
    this.#update();
    const resized = new ResizeObserver(() => this.#grid.viewport.clientWidth !== this.#state.room && this.#draw());
    resized.observe(this.#grid.viewport);
    signal.addEventListener("abort", () => resized.disconnect());
  }

  get #selection(): Selection {
    return (this.model.get("selection") ?? []) as Selection;
  }

  #update(): void {
    const before = this.#state as HeatmapState | undefined;
    const [spec, arrays] = [this.model.get("spec") as Spec, this.model.get("arrays") as PackedFacet[]];
    const data = before && before.data.spec === spec && before.data.source === arrays ? before.data : new HeatmapData(spec, arrays);
    const [facet, title] = [Number(this.model.get("facet")), String(this.model.get("title"))];
    const scale = colourScale(spec.kind, spec.domain, this.#theme.current());
    const room = this.#grid.viewport.clientWidth;
    this.#state = { data, facet, scale, title, room, selected: new SelectionIndex(this.#selection) };
    this.#title.textContent = title;
    this.#root.setAttribute("aria-label", title);
    this.#tooltip.dismiss();
    this.#facets.update(spec, facet);
    this.#legend.update(scale, spec.name);
    this.#root.style.setProperty("--mi-shadow-left", `${rowHeadWidth(data)}px`);
    this.#grid.update(heatmapSource(this.#state));
    if (before?.data !== data || before.facet !== facet) this.#settle(before?.data.spec !== spec);
    this.#drawOverview();
    this.#updateReadout();
    this.#updateActing();
  }

  /** A new picture starts at its selection or its strongest number; another facet keeps the place, to be compared. */
  #settle(fresh: boolean): void {
    this.#hovered = null;
    const strongest = this.#state.data.strongest(this.#state.facet);
    this.#readout.strongest = strongest;
    if (!fresh) return;
    const focused = this.#grid.element.contains(document.activeElement);
    const start = this.#selectedCells().next().value ?? strongest;
    this.#grid.start(start);
    if (focused) this.#grid.focusCell(start);
  }

  *#selectedCells(): Generator<Cell, undefined> {
    const { data, facet, selected } = this.#state;
    if (selected.selection.length === 0) return;
    for (let row = 0; row < data.spec.rows.length; row++) {
      for (let column = 0; column < data.columns(facet).length; column++) {
        if (selected.has(data.record(facet, row, column))) yield { row, column };
      }
    }
  }

  #updateActing(): void {
    if (!this.#state) return;
    const { ready, reason } = this.#acting;
    const deep = Number(this.model.get("depth")) > 0;
    if (!deep && document.activeElement === this.#back) this.#grid.focusCell(this.#grid.activeCell);
    this.#back.hidden = !deep;
    this.#back.disabled = !ready;
    const acts = this.#state.data.spec.actions.includes("cell");
    this.#root.classList.toggle("mi-acts", acts && ready);
    this.#hint.textContent = acts ? (ready ? "Click a cell, or press Enter, for its details." : reason) : "";
  }

  #choose(facet: number): void {
    assign(this.model, { facet });
    this.#draw();
  }

  #pick(cell: Cell, mode: PickMode, anchor: Cell): void {
    const { data, facet } = this.#state;
    const at = ({ row, column }: Cell) => data.record(facet, row, column);
    if (mode === "range") return this.#select(rectangle(anchor, cell).map(at));
    if (mode === "toggle") return this.#select(toggled(this.#selection, at(cell)));
    this.#select([at(cell)]);
    if (data.spec.actions.includes("cell") && this.#acting.ready) this.#acting.request("cell", at(cell));
  }

  #select(selection: Selection): void {
    assign(this.model, { selection });
    this.#showSelection();
  }

  #showSelection(): void {
    this.#state.selected = new SelectionIndex(this.#selection);
    this.#grid.markSelected();
  }

  #goBack(): void {
    this.#acting.request("back", {});
  }

  #key(event: KeyboardEvent): void {
    if (event.key !== "Backspace" || this.#back.hidden || this.#back.disabled) return;
    this.#goBack();
    event.preventDefault();
  }

  #hover(cell: Cell | null): void {
    this.#hovered = cell;
    this.#updateReadout();
  }

  #updateReadout(): void {
    const cell = this.#hovered ?? this.#grid.activeCell;
    this.#readout.update(this.#state, cell);
    this.#legend.mark(this.#state.data.value(this.#state.facet, cell.row, cell.column));
  }

  /** A label that may be cut, or a token, in full. */
  #explain(target: Element): { anchor: Element; content: (Node | string)[] } | null {
    const { data, facet } = this.#state;
    const { spec } = data;
    const column = target.closest<HTMLElement>(".mi-grid-head");
    const head = column ?? target.closest<HTMLElement>(".mi-grid-row-head");
    if (!head) return null;
    const index = Number(column ? head.dataset.column : head.dataset.row);
    const label = column ? data.columns(facet)[index] : spec.rows[index];
    const axis = column ? spec.column_axis : spec.row_axis;
    const token = column ? spec.token_columns : spec.token_rows;
    if (!token) return { anchor: head, content: [`${axis} ${label}`] };
    return { anchor: head, content: [tokenElement(label), h("div", { class: "mi-note" }, `${JSON.stringify(label)}, ${axis} ${index}`)] };
  }

  #copied() {
    const { data, facet, selected } = this.#state;
    const rows = [...cellRows(this.#state, [facet], (at, row, column) => selected.has(data.record(at, row, column)))];
    return rows.length > 1 ? rows : null;
  }

  #drawOverview(): void {
    const { data, facet, scale } = this.#state;
    const columns = data.columns(facet).length;
    const { rows: labels, upward } = data.spec;
    this.#overview.element.hidden = columns < WORTH_AN_OVERVIEW || this.#grid.fits;
    if (this.#overview.element.hidden) return;
    const rows = labels.length;
    const fill = (row: number, column: number) => scale.paint(data.value(facet, upward ? rows - 1 - row : row, column))?.fill ?? null;
    this.#overview.draw({ rows, columns, fill });
  }

  #scrollTo(share: number): void {
    const { width, totalWidth } = this.#grid.port;
    this.#grid.viewport.scrollLeft = share * totalWidth - width / 2;
  }

  #scrolled(): void {
    if (!this.#state) return;
    const { left, width, totalWidth } = this.#grid.port;
    const head = rowHeadWidth(this.#state.data);
    this.#overview.view(left / (totalWidth - head), (left + width - head) / (totalWidth - head));
  }
}
