// The token grid: layers by positions, the top tokens of a cell beside it, one token followed through all of them.
import { Acting } from "../kit/acting";
import { h, onFrame } from "../kit/dom";
import { tokenElement, visible } from "../kit/glyphs";
import { Grid, type PickMode } from "../kit/grid";
import { GRID_HELP, Help } from "../kit/help";
import { keepKeys, type Cell } from "../kit/keyboard";
import { Legend } from "../kit/legend";
import { Menu } from "../kit/menu";
import { assign, watch, type Model } from "../kit/model";
import { Overview } from "../kit/overview";
import { colourScale } from "../kit/scales";
import { rectangle, SelectionIndex, toggled, type Selection } from "../kit/selection";
import { headWidth } from "../kit/sizes";
import { onCopy } from "../kit/text_table";
import { watchTheme, type ThemeWatch } from "../kit/theme";
import { Tooltip } from "../kit/tooltip";
import { Controls } from "./controls";
import { TokenData, type PackedSlice, type Spec } from "./data";
import { gridSource, record, type GridState } from "./grid_source";
import { lensOf, type View } from "./lens";
import { Panel } from "./panel";
import { cellRows, saveCommands } from "./saving";

const VIEW = ["prompt", "compare", "measure", "follow"] as const;
const PATIENCE = 150;
const WORTH_AN_OVERVIEW = 48;

export class TokenGridView {
  readonly #root: HTMLElement;
  readonly #theme: ThemeWatch;
  readonly #acting: Acting;
  readonly #grid: Grid;
  readonly #controls: Controls;
  readonly #panel: Panel;
  readonly #tooltip: Tooltip;
  readonly #overview: Overview;
  readonly #legend = new Legend();
  readonly #title = h("span", { class: "mi-title" });
  readonly #warning = h("div", { class: "mi-note mi-warning", role: "status", hidden: true });
  readonly #draw: () => void;
  #state!: GridState;
  #hovered: Cell | null = null;
  #asked: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly model: Model, el: HTMLElement, private readonly signal: AbortSignal) {
    this.#root = h("div", { class: "mi-root mi-column mi-token-grid", role: "group" });
    el.append(this.#root);
    this.#draw = onFrame(() => this.#update(), signal);
    const redraw = () => this.#draw();
    this.#theme = watchTheme(this.#root, redraw, signal);
    this.#acting = new Acting(model, () => this.#updateControls(), signal);
    this.#grid = new Grid(
      {
        hover: (cell) => this.#hover(cell),
        focus: () => this.#updatePanel(),
        pick: (cell, mode, anchor) => this.#pick(cell, mode, anchor),
        clear: () => this.#clear(),
        scroll: () => this.#scrolled(),
      },
      signal,
    );
    this.#controls = new Controls(
      { change: (view) => this.#change(view), submit: (text) => this.#acting.request("prompt", { text }) },
    );
    this.#panel = new Panel({ follow: (id) => this.#follow(id), point: (id) => this.#point(id) });
    this.#overview = new Overview((share) => this.#scrollTo(share));
    const help = new Help(this.#root, GRID_HELP);
    const commands = saveCommands(() => this.#state, () => this.#theme.current(), () => this.#grid.visibleColumns);
    const menu = new Menu("Save", "⤓", commands);
    const head = h("div", { class: "mi-head" }, this.#title, menu.element, help.button);
    const parts = [this.#overview.element, this.#grid.element, this.#warning, this.#legend.element];
    const picture = h("div", { class: "mi-picture" }, ...parts);
    const ask = h("div", { class: "mi-bar mi-ask" }, this.#controls.form, this.#acting.element);
    const body = h("div", { class: "mi-body" }, picture, this.#panel.element);
    this.#root.append(head, ask, this.#controls.element, body, help.element);
    this.#tooltip = new Tooltip(this.#root);
    this.#tooltip.attach(this.#root, (target) => this.#explain(target));
    keepKeys(this.#root, signal);
    onCopy(this.#grid.element, () => this.#copied());
    watch(model, [...VIEW, "spec", "arrays", "title"], redraw, signal);
    watch(model, ["selection"], () => this.#showSelection(), signal);
    this.#update();
    const resized = new ResizeObserver(() => this.#room() !== this.#state.room && this.#draw());
    resized.observe(this.#grid.viewport);
    signal.addEventListener("abort", () => resized.disconnect());
  }

  get #view(): View {
    return Object.fromEntries(VIEW.map((name) => [name, this.model.get(name)])) as unknown as View;
  }

  get #selection(): Selection {
    return (this.model.get("selection") ?? []) as Selection;
  }

  #room(): number {
    return this.#grid.viewport.clientWidth;
  }

  #update(): void {
    const view = this.#view;
    const before = this.#state as GridState | undefined;
    const [spec, arrays] = [this.model.get("spec") as Spec, this.model.get("arrays") as PackedSlice[]];
    const data = before && before.data.spec === spec && before.data.source === arrays ? before.data : new TokenData(spec, arrays);
    const lens = lensOf(data, view);
    const scale = colourScale(lens.kind, lens.domain, this.#theme.current());
    const title = String(this.model.get("title"));
    this.#state = { data, view, lens, scale, title, selected: new SelectionIndex(this.#selection), room: this.#room() };
    this.#title.textContent = title;
    this.#root.setAttribute("aria-label", title);
    this.#tooltip.dismiss();
    this.#legend.update(scale, lens.legend);
    this.#root.style.setProperty("--mi-shadow-left", `${headWidth([...spec.rows, spec.row_axis])}px`);
    this.#grid.update(gridSource(this.#state));
    if (!before || before.data.spec !== spec || before.view.prompt !== view.prompt) this.#settle();
    this.#drawOverview();
    this.#updatePanel();
    this.#updateControls();
  }

  #updateControls(): void {
    if (!this.#state) return;
    const { data, view, lens } = this.#state;
    this.#controls.update(data, view, lens, this.#acting);
    this.#warn();
  }

  /** Start where a reader looks first: at the last position of the top row. */
  #settle(): void {
    this.#hovered = null;
    const { data, view } = this.#state;
    this.#grid.start({ row: data.spec.rows.length - 1, column: data.length(view.prompt) - 1 });
  }

  #change(view: Partial<View>): void {
    assign(this.model, view);
    this.#draw();
  }

  #follow(id: number | null): void {
    this.#change({ follow: id });
    const { data } = this.#state;
    if (id === null || data.targetIndex(id) >= 0) return;
    if (this.#acting.ready && data.spec.actions.includes("follow")) this.#acting.request("follow", { token_id: id });
  }

  #pick(cell: Cell, mode: PickMode, anchor: Cell): void {
    const at = (where: Cell) => record(this.#state, where.row, where.column);
    let selection: Selection;
    if (mode === "range") selection = rectangle(anchor, cell).map(at);
    else if (mode === "toggle") selection = toggled(this.#selection, at(cell));
    else selection = [at(cell)];
    assign(this.model, { selection });
    this.#showSelection();
  }

  #clear(): void {
    if (this.#selection.length > 0) assign(this.model, { selection: [] });
    else if (this.#view.follow !== null) this.#change({ follow: null });
    this.#showSelection();
  }

  #showSelection(): void {
    this.#state.selected = new SelectionIndex(this.#selection);
    this.#grid.markSelected();
    this.#updatePanel();
  }

  #hover(cell: Cell | null): void {
    this.#hovered = cell;
    this.#updatePanel();
  }

  #updatePanel(): void {
    const { data, view, lens } = this.#state;
    const cell = this.#hovered ?? this.#grid.activeCell;
    this.#panel.update(data, view, cell);
    this.#legend.mark(lens.value(cell.row, cell.column));
  }

  /** Mark every cell whose top token is the one in the list that the pointer is on. */
  #point(id: number | null): void {
    this.#grid.eachCell((element) => element.classList.toggle("mi-same", id !== null && element.dataset.id === String(id)));
  }

  #explain(target: Element): { anchor: Element; content: (Node | string)[] } | null {
    const { data, view } = this.#state;
    const head = target.closest<HTMLElement>(".mi-grid-head");
    if (head) {
      const position = Number(head.dataset.column);
      const { tokens, ids } = data.spec.prompts[view.prompt];
      return { anchor: head, content: this.#raw(tokens[position], ids[position], `position ${position}`) };
    }
    const line = target.closest<HTMLElement>(".mi-top");
    if (!line) return null;
    const id = Number(line.dataset.id);
    return { anchor: line, content: this.#raw(data.token(id), id, "click to follow") };
  }

  #raw(token: string, id: number | undefined, more: string): (Node | string)[] {
    const number = id === undefined ? "" : `, id ${id}`;
    return [tokenElement(token), h("div", { class: "mi-note" }, `${JSON.stringify(token)}${number}, ${more}`)];
  }

  #copied() {
    const { data, view, selected } = this.#state;
    const cells: [number, number][] = [];
    for (let row = 0; row < data.spec.rows.length; row++) {
      for (let position = 0; position < data.length(view.prompt); position++) {
        if (selected.has(record(this.#state, row, position))) cells.push([row, position]);
      }
    }
    return cells.length > 0 ? cellRows(this.#state, cells) : null;
  }

  #drawOverview(): void {
    const { data, view, lens, scale } = this.#state;
    const shown = data.length(view.prompt) >= WORTH_AN_OVERVIEW && !this.#grid.fits;
    this.#overview.element.hidden = !shown;
    if (!shown) return;
    const rows = data.spec.rows.length;
    const fill = (row: number, column: number) => scale.paint(lens.value(rows - 1 - row, column))?.fill ?? null;
    this.#overview.draw({ rows, columns: data.length(view.prompt), fill });
  }

  #scrollTo(share: number): void {
    const { width, totalWidth } = this.#grid.port;
    this.#grid.viewport.scrollLeft = share * totalWidth - width / 2;
  }

  #scrolled(): void {
    if (!this.#overview) return;
    const { left, width, totalWidth } = this.#grid.port;
    const { rows, row_axis: axis } = this.#state.data.spec;
    const head = headWidth([...rows, axis]);
    this.#overview.view(left / (totalWidth - head), (left + width - head) / (totalWidth - head));
    this.#askForMore();
  }

  /** Long prompts arrive in windows: ask for the one in view once the scrolling rests. */
  #askForMore(): void {
    clearTimeout(this.#asked);
    const { data, view } = this.#state;
    const [first, last] = this.#grid.visibleColumns;
    if (data.has(view.prompt, first) && data.has(view.prompt, last)) return;
    this.#asked = setTimeout(() => !this.signal.aborted && assign(this.model, { start: first }), PATIENCE);
  }

  #warn(): void {
    const { data, view, lens } = this.#state;
    const here = data.has(view.prompt, this.#grid.activeCell.column) || data.has(view.prompt, this.#grid.visibleColumns[0]);
    const partial = !lens.exact && view.follow !== null && !this.#acting.busy;
    const missing = this.#acting.reason
      ? "The numbers of this prompt were not saved with the page: run the cell again."
      : "Waiting for the numbers of this prompt.";
    const elsewhere = `${visible(data.token(view.follow ?? -1))} is known only where it is among the top ${data.spec.top}.`;
    this.#warning.textContent = here ? elsewhere : missing;
    this.#warning.hidden = here && !partial;
  }
}
