// Which of several pictures is shown: buttons for a few short names, a list for more.
import { h, uniqueId } from "../kit/dom";
import { visible } from "../kit/glyphs";
import type { Spec } from "./data";

const FEW = 6;
const SHORT = 60;
const LONGEST = 60;

export class Facets {
  readonly element = h("div", { class: "mi-field" });
  readonly #name = h("span", { class: "mi-field-name", "aria-hidden": "true" });
  readonly #group = uniqueId("facet");
  #drawn: unknown = null;

  constructor(private readonly choose: (facet: number) => void) {}

  update(spec: Spec, facet: number): void {
    this.element.hidden = spec.facets.length < 2;
    if (this.#drawn !== spec) {
      this.#drawn = spec;
      this.#name.textContent = spec.facet_axis;
      const few = spec.facets.length <= FEW && spec.facets.join("").length <= SHORT;
      this.element.replaceChildren(this.#name, few ? this.#choices(spec) : this.#list(spec));
    }
    const list = this.element.querySelector("select");
    if (list) list.value = String(facet);
    const choice = this.element.querySelector<HTMLInputElement>(`input[value="${facet}"]`);
    if (choice) choice.checked = true;
  }

  #choices({ facets, facet_axis: axis }: Spec): HTMLElement {
    const choices = facets.map((label, at) => {
      const input = h("input", { type: "radio", name: this.#group, value: at, onchange: () => this.choose(at) });
      return h("label", { class: "mi-choice" }, input, label);
    });
    return h("div", { class: "mi-choices", role: "radiogroup", "aria-label": axis }, ...choices);
  }

  #list({ facets, facet_axis: axis }: Spec): HTMLElement {
    const options = facets.map((label, at) => h("option", { value: at }, short(label)));
    const onchange = (event: Event) => this.choose(Number((event.target as HTMLSelectElement).value));
    return h("select", { class: "mi-select", "aria-label": axis, onchange }, ...options);
  }
}

// White space inside a prompt reads as itself in a list.
function short(label: string): string {
  const characters = [...label].map((character) => (character === " " ? " " : visible(character)));
  return characters.length > LONGEST ? `${characters.slice(0, LONGEST).join("")}…` : characters.join("");
}
