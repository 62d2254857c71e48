// The cell under the pointer or the focus: where it is, its numbers, its top tokens with bars.
import { h, setAttributes } from "../kit/dom";
import { showToken, tokenElement, visible } from "../kit/glyphs";
import { probability, writer } from "../kit/numbers";
import type { Cell } from "../kit/keyboard";
import type { Candidate, TokenData } from "./data";
import { followedNumbers, type View } from "./lens";
import { Path } from "./path";

export interface PanelEvents {
  follow(id: number | null): void;
  /** The pointer or the focus is on a token of the list. */
  point(id: number | null): void;
}

interface Line {
  element: HTMLButtonElement;
  token: HTMLElement;
  bar: HTMLElement;
  value: HTMLElement;
}

export class Panel {
  readonly element = h("section", { class: "mi-panel", "aria-label": "Cell" });
  readonly #place = h("div", { class: "mi-place" });
  readonly #numbers = h("dl", { class: "mi-numbers" });
  readonly #list = h("ol", {
    class: "mi-top-list",
    onpointerleave: () => this.events.point(null),
    onfocusout: () => this.events.point(null),
  });
  readonly #otherName = h("div", { class: "mi-note" });
  readonly #otherList = h("ol", { class: "mi-top-list" });
  readonly #path = new Path();
  readonly #lines: Line[] = [];
  readonly #otherLines: Line[] = [];

  constructor(private readonly events: PanelEvents) {
    this.element.append(this.#place, this.#list, this.#otherName, this.#otherList, this.#path.element, this.#numbers);
  }

  update(data: TokenData, view: View, cell: Cell): void {
    const { row, column: position } = cell;
    const { rows, row_axis: axis, prompts } = data.spec;
    const compared = view.compare !== null && view.compare !== view.prompt;
    const token = prompts[view.prompt].tokens[position] ?? "";
    this.#place.replaceChildren(
      h("div", { class: "mi-place-name" }, `${axis} ${rows[row]}, position ${position}`),
      h("div", { class: "mi-note" }, "after ", tokenElement(token)),
    );
    this.#updateNumbers(data, view, cell);
    const count = compared ? Math.min(data.spec.top, 5) : data.spec.top;
    this.#fill(this.#list, this.#lines, data.top(view.prompt, row, position).slice(0, count), count, view.follow);
    const others = compared ? data.top(view.compare!, row, position).slice(0, count) : [];
    this.#otherName.textContent = compared ? `Prompt ${view.compare! + 1}` : "";
    this.#otherName.hidden = this.#otherList.hidden = !compared;
    this.#fill(this.#otherList, this.#otherLines, others, compared ? count : 0, view.follow);
    this.#path.update(data, view, cell);
  }

  #updateNumbers(data: TokenData, view: View, { row, column }: Cell): void {
    const pairs: [string, string][] = data.spec.measures.map((measure) => {
      const value = writer(measure.kind, measure.unit)(data.measure(view.prompt, measure.name, row, column));
      const unit = measure.unit && measure.unit !== measure.name ? ` ${measure.unit}` : "";
      return [measure.name, value + unit];
    });
    if (view.follow !== null) pairs.unshift([visible(data.token(view.follow)), followedNumbers(data, view, row, column)]);
    this.#numbers.replaceChildren(...pairs.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
  }

  // Lines are reused, so that nothing moves and the focus stays while the pointer wanders.
  #fill(list: HTMLElement, lines: Line[], candidates: Candidate[], count: number, follow: number | null): void {
    while (lines.length < count) lines.push(this.#line(list, lines.length + 1));
    lines.forEach((line, index) => {
      const candidate = candidates[index];
      line.element.parentElement!.hidden = index >= count;
      line.element.style.visibility = candidate ? "" : "hidden";
      if (!candidate) return;
      const { id, token, value } = candidate;
      showToken(line.token, token);
      line.bar.style.width = `${Math.min(Math.max(value, 0), 1) * 100}%`;
      line.value.textContent = probability(value);
      line.element.dataset.id = String(id);
      const label = `Rank ${index + 1}: ${visible(token)}, probability ${probability(value)}. Follow`;
      setAttributes(line.element, { "aria-pressed": String(id === follow), "aria-label": label });
    });
  }

  #line(list: HTMLElement, rank: number): Line {
    const token = h("bdi", { class: "mi-token mi-top-token" });
    const bar = h("span", { class: "mi-top-bar" });
    const value = h("span", { class: "mi-top-value" });
    const track = h("span", { class: "mi-top-track" }, bar);
    const id = () => Number(element.dataset.id);
    const point = () => this.events.point(id());
    const properties = {
      class: "mi-top",
      type: "button",
      onclick: () => this.events.follow(element.getAttribute("aria-pressed") === "true" ? null : id()),
      onpointerenter: point,
      onfocus: point,
    };
    const element = h("button", properties, h("span", { class: "mi-top-rank" }, String(rank)), token, track, value);
    list.append(h("li", {}, element));
    return { element, token, bar, value };
  }
}
