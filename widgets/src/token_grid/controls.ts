// What is shown and how: prompt, comparison, measure, followed token, and the box for a new prompt.
import type { Acting } from "../kit/acting";
import { h, uniqueId } from "../kit/dom";
import { showToken, visible } from "../kit/glyphs";
import type { TokenData } from "./data";
import type { Lens, View } from "./lens";

export interface ControlEvents {
  change(view: Partial<View>): void;
  submit(text: string): void;
}

const LONGEST = 48;

export class Controls {
  readonly element = h("div", { class: "mi-controls" });
  readonly #prompt = h("select", {
    class: "mi-select",
    "aria-label": "Prompt",
    onchange: () => this.events.change({ prompt: Number(this.#prompt.value) }),
  });
  readonly #compare = h("select", {
    class: "mi-select",
    "aria-label": "Prompt to subtract",
    onchange: () => this.events.change({ compare: this.#compare.value === "" ? null : Number(this.#compare.value) }),
  });
  readonly #prompts = h("div", { class: "mi-bar" }, field("Prompt", this.#prompt), field("Compare with", this.#compare));
  readonly #measures = h("div", { class: "mi-choices", role: "radiogroup", "aria-label": "Colour" });
  readonly #followed = h("div", { class: "mi-chips", role: "group", "aria-label": "Follow a token" });
  readonly #text = h("input", {
    class: "mi-input",
    type: "text",
    placeholder: "Try another prompt",
    "aria-label": "New prompt",
    spellcheck: "false",
  });
  readonly #run = h("button", { class: "mi-button", type: "submit" }, "Run");
  readonly #reason = h("span", { class: "mi-note" });
  /** The box for a new prompt. */
  readonly form: HTMLFormElement;
  readonly #group = uniqueId("measure");
  #drawn = "";

  constructor(private readonly events: ControlEvents) {
    const onsubmit = (event: SubmitEvent) => this.#submit(event);
    this.form = h("form", { class: "mi-bar mi-prompt-form", onsubmit }, this.#text, this.#run, this.#reason);
    const choices = h("div", { class: "mi-bar" }, field("Colour", this.#measures), field("Follow", this.#followed));
    this.element.append(this.#prompts, choices);
  }

  update(data: TokenData, view: View, lens: Lens, acting: Acting): void {
    this.#updateForm(data.spec.actions.includes("prompt"), acting);
    // Controls are made anew only when they change, or a menu would close under the pointer.
    const { prompts, targets } = data.spec;
    const names = lens.choices.map((choice) => choice.name);
    const state = JSON.stringify([prompts.map((prompt) => prompt.tokens.slice(0, LONGEST)), view, names, lens.chosen, targets]);
    if (state === this.#drawn) return;
    this.#drawn = state;
    this.#updatePrompts(data, view);
    this.#updateMeasures(lens);
    this.#updateFollowed(data, view);
  }

  #updateForm(offered: boolean, acting: Acting): void {
    this.form.hidden = !offered;
    this.#text.disabled = this.#run.disabled = !acting.ready;
    this.#reason.textContent = acting.reason;
  }

  #updatePrompts(data: TokenData, view: View): void {
    const { prompts } = data.spec;
    this.#prompts.hidden = prompts.length < 2;
    const options = prompts.map((prompt, index) => h("option", { value: index }, summary(index, prompt.tokens)));
    this.#prompt.replaceChildren(...options);
    this.#prompt.value = String(view.prompt);
    const others = options.filter((_, index) => index !== view.prompt).map((option) => option.cloneNode(true));
    this.#compare.replaceChildren(h("option", { value: "" }, "nothing"), ...others);
    this.#compare.value = view.compare === null || view.compare === view.prompt ? "" : String(view.compare);
  }

  #updateMeasures(lens: Lens): void {
    const focus = this.#measures.contains(document.activeElement);
    this.#measures.replaceChildren(
      ...lens.choices.map(({ name, description }) => {
        const input = h("input", {
          type: "radio",
          name: this.#group,
          value: name,
          onchange: () => this.events.change({ measure: name }),
        });
        input.checked = name === lens.chosen;
        return h("label", { class: "mi-choice", title: `${name} ${description}` }, input, name);
      }),
    );
    if (focus) this.#measures.querySelector<HTMLInputElement>(":checked")?.focus();
  }

  #updateFollowed(data: TokenData, view: View): void {
    const focus = this.#followed.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset.id : undefined;
    const tokens = data.spec.targets.map((target) => ({ ...target }));
    const { follow } = view;
    if (follow !== null && data.targetIndex(follow) < 0) tokens.push({ id: follow, token: data.token(follow) });
    this.#followed.replaceChildren(...tokens.map(({ id, token }) => this.#chip(id, token, id === follow)));
    if (tokens.length === 0) this.#followed.append(h("span", { class: "mi-note" }, "click a token in the list"));
    if (focus !== undefined) this.#followed.querySelector<HTMLElement>(`[data-id="${focus}"]`)?.focus();
  }

  #chip(id: number, token: string, on: boolean): HTMLElement {
    const chip = h("button", {
      class: "mi-chip",
      type: "button",
      "data-id": id,
      "aria-pressed": String(on),
      "aria-label": `Follow ${visible(token)}`,
      onclick: () => this.events.change({ follow: on ? null : id }),
    });
    showToken(chip, token);
    return chip;
  }

  #submit(event: SubmitEvent): void {
    event.preventDefault();
    if (this.#text.value !== "") this.events.submit(this.#text.value);
  }
}

function field(name: string, control: HTMLElement): HTMLElement {
  return h("div", { class: "mi-field" }, h("span", { class: "mi-field-name", "aria-hidden": "true" }, name), control);
}

function summary(index: number, tokens: string[]): string {
  const text = tokens.slice(0, LONGEST).join("");
  const plain = [...text].map((character) => (character === " " ? " " : visible(character))).join("");
  return `${index + 1}: ${plain.length > LONGEST ? `${plain.slice(0, LONGEST)}…` : plain}`;
}
