// Runs a widget's front end in a page of its own, on the saved state. Nobody answers requests here.

type Listener = (...values: unknown[]) => void;

interface Module {
  default: { render(context: { model: unknown; el: HTMLElement }): unknown };
}

function revive(_: string, value: unknown): unknown {
  const encoded = value as { base64?: string } | null;
  if (typeof encoded?.base64 !== "string") return value;
  return Uint8Array.from(atob(encoded.base64), (character) => character.charCodeAt(0));
}

function readJson(id: string): unknown {
  return JSON.parse(document.getElementById(id)!.textContent!, revive);
}

class PageModel {
  readonly #listeners = new Map<string, Set<Listener>>();

  constructor(private readonly state: Record<string, unknown>) {}

  get(name: string): unknown {
    return this.state[name];
  }

  set(name: string, value: unknown): void {
    this.state[name] = value;
    this.#listeners.get(`change:${name}`)?.forEach((listener) => listener());
  }

  save_changes(): void {}

  send(): void {}

  on(event: string, listener: Listener): void {
    if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
    this.#listeners.get(event)!.add(listener);
  }

  off(event: string, listener: Listener): void {
    this.#listeners.get(event)?.delete(listener);
  }
}

async function start(): Promise<void> {
  const source = readJson("front-end") as string;
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const module = (await import(url)) as Module;
  URL.revokeObjectURL(url);
  const model = new PageModel(readJson("state") as Record<string, unknown>);
  module.default.render({ model, el: document.getElementById("widget")! });
}

void start();
