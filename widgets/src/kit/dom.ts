// Elements in one line. Strings become text nodes, never markup.

type Value = string | number | boolean | null | undefined | ((event: never) => void);
export type Child = Node | string | null | undefined;

/** An element with attributes, `on...` listeners and children. True is an empty attribute; false and null leave it out. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Record<string, Value> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  setAttributes(element, properties);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** The attributes and listeners of `h` on an element that is there already. */
export function setAttributes(element: Element, properties: Record<string, Value>): void {
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value as EventListener);
    else if (value === false || value === null || value === undefined) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

const SVG = "http://www.w3.org/2000/svg";

/** The same for SVG. */
export function svg(tag: string, attributes: Record<string, string | number> = {}, ...children: Child[]): SVGElement {
  const element = document.createElementNS(SVG, tag);
  setAttributes(element, attributes);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

let count = 0;

/** An id that no other element on the page has. */
export function uniqueId(stem: string): string {
  count += 1;
  return `mi-${stem}-${count}-${Math.random().toString(36).slice(2, 8)}`;
}

/** Run a function on the next animation frame, once however often it was asked for. */
export function onFrame(run: () => void, signal: AbortSignal): () => void {
  let pending = 0;
  signal.addEventListener("abort", () => cancelAnimationFrame(pending));
  return () => {
    if (pending !== 0 || signal.aborted) return;
    pending = requestAnimationFrame(() => {
      pending = 0;
      if (!signal.aborted) run();
    });
  };
}
