// One line above the picture: the cell under the pointer or the focus, and at first the strongest.
import { h } from "../kit/dom";
import { tokenElement } from "../kit/glyphs";
import type { Cell } from "../kit/keyboard";
import { inFull } from "./writing";
import type { HeatmapState } from "./source";

export class Readout {
  readonly element = h("div", { class: "mi-readout" });
  readonly #where = h("span");
  readonly #value = h("span", { class: "mi-readout-value" });
  #strongest: Cell = { row: 0, column: 0 };

  constructor() {
    this.element.append(this.#where, this.#value);
  }

  /** The cell that is said to be the largest. */
  set strongest(cell: Cell) {
    this.#strongest = cell;
  }

  update({ data, facet }: HeatmapState, cell: Cell): void {
    const { row, column } = cell;
    const largest = row === this.#strongest.row && column === this.#strongest.column;
    const parts = data.parts(facet, cell).flatMap(({ text, token }, at) => {
      const words = `${at > 0 ? ", " : ""}${text}`;
      return token === null ? [words] : [`${words} `, tokenElement(token)];
    });
    this.#where.replaceChildren(largest ? "Largest: " : "", ...parts, ": ");
    this.#value.textContent = inFull(data.value(facet, row, column), data.spec.kind, data.spec.unit);
  }
}
