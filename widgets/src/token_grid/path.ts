// A followed token's way through the rows at one position: probability as bars, bottom row at the left.
import { h, svg } from "../kit/dom";
import { tokenElement } from "../kit/glyphs";
import type { Cell } from "../kit/keyboard";
import type { TokenData } from "./data";
import { lensOf, type View } from "./lens";

const WIDTH = 240;
const HEIGHT = 44;

export class Path {
  readonly element = h("figure", { class: "mi-path", hidden: true });
  readonly #caption = h("figcaption", { class: "mi-note" });
  readonly #plot = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT + 2}`, preserveAspectRatio: "none", "aria-hidden": "true" });

  constructor() {
    this.element.append(this.#caption, this.#plot);
  }

  update(data: TokenData, view: View, { row, column }: Cell): void {
    this.element.hidden = view.follow === null;
    if (view.follow === null) return;
    const { rows, row_axis: axis } = data.spec;
    const lens = lensOf(data, { ...view, compare: null, measure: "probability" });
    this.#caption.replaceChildren(tokenElement(data.token(view.follow)), ` through every ${axis}, here`);
    const step = WIDTH / rows.length;
    const bars = rows.map((_, index) => {
      const value = lens.value(index, column);
      const height = Number.isNaN(value) ? 0 : Math.min(Math.max(value, 0), 1) * HEIGHT;
      const name = index === row ? "mi-path-bar mi-path-here" : "mi-path-bar";
      return svg("rect", { class: name, x: index * step, y: HEIGHT - height, width: Math.max(step - 1, 0.5), height: height + 2 });
    });
    this.#plot.replaceChildren(...bars);
  }
}
