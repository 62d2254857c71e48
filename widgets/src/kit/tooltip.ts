// One tooltip per widget: beside what it explains, on hover and on focus, gone when anything changes.
import { h, setAttributes, uniqueId, type Child } from "./dom";

const GAP = 3;
/** Milliseconds that a pointer rests before it is told more. */
const DELAY = 350;

export class Tooltip {
  readonly element: HTMLElement;
  #anchor: Element | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pointer = "";
  #still = "";

  constructor(private readonly root: HTMLElement) {
    this.element = h("div", { class: "mi-tooltip", role: "tooltip", id: uniqueId("tooltip"), hidden: true });
    root.append(this.element);
    setAttributes(root, { onkeydown: (event: KeyboardEvent) => event.key === "Escape" && this.hide() });
    root.addEventListener("scroll", () => this.hide(), true);
  }

  /** Explain every element that `find` returns content for, under the pointer and under the focus. */
  attach(area: HTMLElement, find: (target: Element) => { anchor: Element; content: Child[] } | null): void {
    const show = (event: Event) => {
      if (event instanceof PointerEvent) {
        this.#pointer = `${event.clientX},${event.clientY}`;
        if (this.#pointer === this.#still) return;
        this.#still = "";
      }
      const found = event.target instanceof Element ? find(event.target) : null;
      if (found?.anchor === this.#anchor && found) return;
      this.hide();
      if (found) this.#timer = setTimeout(() => this.show(found.anchor, found.content), event.type === "focusin" ? 0 : DELAY);
    };
    const hide = () => this.hide();
    setAttributes(area, { onpointerover: show, onfocusin: show, onpointerleave: hide, onfocusout: hide });
  }

  show(anchor: Element, content: Child[]): void {
    this.hide();
    if (!anchor.isConnected) return;
    this.#anchor = anchor;
    this.element.replaceChildren(...content.filter((child) => child !== null && child !== undefined));
    this.element.hidden = false;
    anchor.setAttribute("aria-describedby", this.element.id);
    this.#place(anchor.getBoundingClientRect());
  }

  /** Hide because the data changed: what moves under a resting pointer does not bring it back. */
  dismiss(): void {
    this.#still = this.#pointer;
    this.hide();
  }

  hide(): void {
    clearTimeout(this.#timer);
    this.#anchor?.removeAttribute("aria-describedby");
    this.#anchor = null;
    this.element.hidden = true;
  }

  // Below the anchor, or above it where the widget ends.
  #place(anchor: DOMRect): void {
    const root = this.root.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.element;
    const left = Math.min(Math.max(anchor.left - root.left, 4), root.width - width - 4);
    const below = anchor.bottom - root.top + GAP;
    const above = anchor.top - root.top - height - GAP;
    this.element.style.left = `${Math.max(left, 4)}px`;
    this.element.style.top = `${below + height > root.height && above > 0 ? above : below}px`;
  }
}
