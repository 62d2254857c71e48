// A button that opens a list of commands, by the pattern that screen readers know.
import { h, uniqueId } from "./dom";

export interface Command {
  label: string;
  run(): void;
}

export class Menu {
  readonly element: HTMLElement;
  readonly #button: HTMLButtonElement;
  readonly #list: HTMLElement;

  constructor(label: string, symbol: string, commands: Command[]) {
    const id = uniqueId("menu");
    const properties = {
      class: "mi-icon",
      type: "button",
      title: label,
      "aria-label": label,
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      "aria-controls": id,
      onclick: () => (this.#list.hidden ? this.#open() : this.#close()),
    };
    this.#button = h("button", properties, symbol);
    this.#list = h("div", { class: "mi-menu", role: "menu", id, hidden: true }, ...commands.map((command) => this.#item(command)));
    const listeners = {
      onkeydown: (event: KeyboardEvent) => this.#key(event),
      onfocusout: (event: FocusEvent) => this.#left(event),
    };
    this.element = h("div", { class: "mi-menu-anchor", ...listeners }, this.#button, this.#list);
  }

  #item(command: Command): HTMLElement {
    const run = () => {
      this.#close();
      command.run();
    };
    return h("button", { class: "mi-menu-item", type: "button", role: "menuitem", tabindex: -1, onclick: run }, command.label);
  }

  get #items(): HTMLElement[] {
    return [...this.#list.children] as HTMLElement[];
  }

  #open(): void {
    this.#list.hidden = false;
    this.#button.setAttribute("aria-expanded", "true");
    this.#items[0]?.focus();
  }

  #close(): void {
    if (this.#list.hidden) return;
    this.#list.hidden = true;
    this.#button.setAttribute("aria-expanded", "false");
    this.#button.focus();
  }

  #left(event: FocusEvent): void {
    if (event.relatedTarget instanceof Node && this.element.contains(event.relatedTarget)) return;
    this.#list.hidden = true;
    this.#button.setAttribute("aria-expanded", "false");
  }

  #key(event: KeyboardEvent): void {
    if (this.#list.hidden) return;
    const at = this.#items.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (to !== undefined) this.#items.at(to % this.#items.length)?.focus();
    else if (event.key === "Escape") this.#close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
