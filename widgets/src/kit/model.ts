// What a widget sees of its Python side: the same in a notebook, in an exported page and in the tests.

export interface Model {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  send(content: unknown): void;
  on(event: string, callback: (...values: never[]) => void): void;
  off(event: string, callback: (...values: never[]) => void): void;
}

export interface RenderContext {
  model: Model;
  el: HTMLElement;
}

/** Call a function when one of the traits changes, until the signal. */
export function watch(model: Model, names: readonly string[], run: () => void, signal: AbortSignal): void {
  for (const name of names) {
    model.on(`change:${name}`, run);
    signal.addEventListener("abort", () => model.off(`change:${name}`, run));
  }
}

/** Set traits and send them in one message. */
export function assign(model: Model, values: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(values)) model.set(name, value);
  model.save_changes();
}
