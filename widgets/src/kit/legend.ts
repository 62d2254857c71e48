// The colour scale with its numbers and unit, and a mark at the value under the pointer.
import { h } from "./dom";
import { tickLabel } from "./numbers";
import type { ColourScale } from "./scales";

const STOPS = 24;

export class Legend {
  readonly element: HTMLElement;
  readonly #name = h("span", { class: "mi-legend-name" });
  readonly #bar = h("div", { class: "mi-legend-bar" });
  readonly #ticks = h("div", { class: "mi-legend-ticks" });
  readonly #pointer = h("div", { class: "mi-legend-pointer" });
  #scale: ColourScale | null = null;

  constructor() {
    const track = h("div", { class: "mi-legend-track", "aria-hidden": "true" }, this.#bar, this.#pointer, this.#ticks);
    this.element = h("div", { class: "mi-legend", role: "img" }, this.#name, track);
    this.mark(NaN);
  }

  /** Show a scale under a name such as "entropy (nats)". */
  update(scale: ColourScale, name: string): void {
    this.#scale = scale;
    this.#name.textContent = `Colour: ${name}`;
    const stops = Array.from({ length: STOPS + 1 }, (_, i) => scale.ramp(i / STOPS));
    this.#bar.style.background = `linear-gradient(90deg, ${stops.join(", ")})`;
    this.#ticks.replaceChildren(...scale.ticks().map((value) => this.#tick(value)));
    const [low, high] = scale.domain;
    this.element.setAttribute("aria-label", `Colour scale: ${name}, from ${tickLabel(low)} to ${tickLabel(high)}`);
    this.mark(NaN);
  }

  /** Point at a value; NaN points at nothing. */
  mark(value: number): void {
    const shown = this.#scale !== null && !Number.isNaN(value);
    this.#pointer.hidden = !shown;
    if (shown) this.#pointer.style.left = percent(this.#scale!.share(value));
  }

  #tick(value: number): HTMLElement {
    const label = h("span", { class: "mi-legend-tick" }, tickLabel(value));
    label.style.left = percent(this.#scale!.share(value));
    return label;
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)}%`;
}
