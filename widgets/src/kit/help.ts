// The list of keys that `?` opens.
import { h } from "./dom";

export type KeyHelp = readonly (readonly [keys: string, meaning: string])[];

export const GRID_HELP: KeyHelp = [
  ["← ↑ → ↓", "move"],
  ["Home, End", "first and last column; with Ctrl, the corners"],
  ["Page Up, Page Down", "ten columns"],
  ["Enter, Space, click", "select"],
  ["Shift with arrows or click", "select a range"],
  ["Ctrl with Enter or click", "add to the selection"],
  ["Escape", "clear"],
  ["Ctrl+C", "copy the selection as a table"],
  ["?", "this list"],
];

export class Help {
  readonly element: HTMLElement;
  readonly button: HTMLButtonElement;
  #back: HTMLElement | null = null;

  constructor(root: HTMLElement, keys: KeyHelp) {
    const rows = keys.flatMap(([key, meaning]) => [h("dt", {}, key), h("dd", {}, meaning)]);
    const close = h("button", { class: "mi-button", type: "button", onclick: () => this.#close() }, "Close");
    this.element = h(
      "div",
      { class: "mi-help", role: "dialog", "aria-label": "Keys", tabindex: -1, hidden: true },
      h("div", { class: "mi-help-title" }, "Keys"),
      h("dl", {}, ...rows),
      close,
    );
    const properties = { class: "mi-icon", type: "button", "aria-label": "Keys", title: "Keys (?)" };
    this.button = h("button", { ...properties, onclick: () => this.#toggle() }, "?");
    root.addEventListener("keydown", (event) => this.#key(event));
  }

  #toggle(): void {
    if (this.element.hidden) this.#open();
    else this.#close();
  }

  #open(): void {
    this.#back = document.activeElement as HTMLElement | null;
    this.element.hidden = false;
    this.element.focus({ preventScroll: true });
  }

  #close(): void {
    if (this.element.hidden) return;
    this.element.hidden = true;
    this.#back?.focus({ preventScroll: true });
  }

  #key(event: KeyboardEvent): void {
    const typing = event.target instanceof HTMLInputElement && event.target.type === "text";
    if (event.key === "?" && !typing) this.#toggle();
    else if (event.key === "Escape" && !this.element.hidden) this.#close();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}
