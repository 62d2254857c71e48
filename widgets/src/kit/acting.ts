// Requests to Python and what becomes of them: idle, busy with progress and a stop, failed with the error's own words.
import { h, setAttributes } from "./dom";
import { assign, watch, type Model } from "./model";

export interface Status {
  state: "idle" | "busy" | "failed";
  id?: string;
  kind?: string;
  progress?: number | null;
  message?: string;
}

/** Milliseconds without an answer until the widget says so: to its greeting, and to a request. */
const PATIENCE = 1500;
const LONG = 8000;

export class Acting {
  readonly element = h("div", { class: "mi-acting" });
  readonly #bar = h("progress", { max: 1 });
  readonly #text = h("span", { class: "mi-acting-text" });
  readonly #stopButton = h("button", { class: "mi-button", type: "button", onclick: () => this.stop() }, "Stop");
  #reachable = false;
  #asked: string | undefined;
  #late = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #tried = false;
  #dismissed: string | undefined;
  #count = 0;
  readonly #session = Math.random().toString(36).slice(2, 8);

  constructor(private readonly model: Model, private readonly changed: () => void, signal: AbortSignal) {
    const heard = (content: { kind?: string }) => {
      if (content?.kind !== "hello") return;
      this.#reachable = true;
      this.#update();
    };
    model.on("msg:custom", heard);
    signal.addEventListener("abort", () => model.off("msg:custom", heard));
    watch(model, ["status", "live"], () => this.#update(), signal);
    // A saved page has the state but nobody behind it; whoever answers is there.
    model.send({ kind: "hello" });
    const waited = setTimeout(() => {
      this.#tried = true;
      this.#update();
    }, PATIENCE);
    signal.addEventListener("abort", () => clearTimeout(waited));
    this.#draw();
  }

  get status(): Status {
    return (this.model.get("status") ?? { state: "idle" }) as Status;
  }

  get busy(): boolean {
    return this.status.state === "busy" && this.#reachable;
  }

  /** Whether requests get an answer. */
  get ready(): boolean {
    return this.#reachable && this.model.get("live") === true;
  }

  /** Why requests get no answer, in one line; empty while they do or while that is not known. */
  get reason(): string {
    if (this.ready) return "";
    if (this.model.get("live") !== true) return "Recomputing needs Python: open the notebook and run it.";
    return this.#tried ? "Recomputing needs this notebook's kernel: run the cell again." : "";
  }

  request(kind: string, payload: Record<string, unknown>): void {
    this.#dismissed = undefined;
    this.#asked = this.#send(kind, payload);
    this.#late = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#late = true;
      this.#draw();
    }, LONG);
    this.#draw();
  }

  stop(): void {
    this.#asked = undefined;
    this.#send("stop", {});
    this.#draw();
  }

  #send(kind: string, payload: Record<string, unknown>): string {
    this.#count += 1;
    const id = `${this.#session}-${this.#count}`;
    assign(this.model, { request: { kind, id, ...payload } });
    return id;
  }

  #update(): void {
    this.#draw();
    this.changed();
  }

  #draw(): void {
    const { state, id, message, progress } = this.status;
    if (id === this.#asked) this.#asked = undefined;
    const waiting = this.#late ? "No answer yet: is the kernel running or busy?" : "Waiting for Python";
    if (this.#asked !== undefined) this.#showBusy(waiting, null);
    else if (this.busy) this.#showBusy(message || "Computing", progress ?? null);
    else if (state === "failed" && this.#reachable && this.#dismissed !== id) this.#showFailed(message ?? "It failed", id);
    else this.#show("", "status");
  }

  // The same elements for every step: a button that is replaced while it is pressed is never clicked.
  #showBusy(label: string, progress: number | null): void {
    if (!this.element.classList.contains("mi-busy")) this.#show("mi-busy", "status", this.#bar, this.#text, this.#stopButton);
    setAttributes(this.#bar, { value: progress, "aria-label": label });
    this.#text.textContent = progress === null ? label : `${label} ${Math.round(progress * 100)}%`;
  }

  #showFailed(message: string, id: string | undefined): void {
    const dismiss = () => {
      this.#dismissed = id;
      this.#update();
    };
    this.#text.textContent = message;
    this.#show("mi-failed", "alert", this.#text, h("button", { class: "mi-button", type: "button", onclick: dismiss }, "Dismiss"));
  }

  #show(state: string, role: string, ...parts: Node[]): void {
    this.element.className = `mi-acting ${state}`;
    this.element.setAttribute("role", role);
    this.element.replaceChildren(...parts);
  }
}
