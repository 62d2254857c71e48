// A strip with every column of a wide grid in it, and a window over the part in view that a pointer can drag.
import { rgb } from "d3-color";
import { h } from "./dom";

export interface OverviewSource {
  rows: number;
  columns: number;
  /** Rows from the top; null where nothing is known. */
  fill(row: number, column: number): string | null;
}

export class Overview {
  readonly element: HTMLElement;
  readonly #canvas = h("canvas");
  #pending: ReturnType<typeof setTimeout> | undefined;
  readonly #frame = h("div", { class: "mi-overview-frame" });

  /** @param moved gets the share of the strip that is to be in the middle of the view. */
  constructor(moved: (share: number) => void) {
    const drag = (event: PointerEvent) => {
      if (event.type === "pointerdown") this.element.setPointerCapture(event.pointerId);
      else if (event.buttons === 0) return;
      const box = this.element.getBoundingClientRect();
      moved((event.clientX - box.left) / box.width);
    };
    // The focus stays where it is.
    const onmousedown = (event: MouseEvent) => event.preventDefault();
    const listeners = { onpointerdown: drag, onpointermove: drag, onmousedown };
    const properties = { class: "mi-overview", "aria-hidden": "true", hidden: true, ...listeners };
    this.element = h("div", properties, this.#canvas, this.#frame);
  }

  /** Draw in a moment: the picture itself comes first. */
  draw(source: OverviewSource): void {
    clearTimeout(this.#pending);
    this.#pending = setTimeout(() => this.#paint(source));
  }

  #paint({ rows, columns, fill }: OverviewSource): void {
    this.#canvas.width = columns;
    this.#canvas.height = rows;
    const context = this.#canvas.getContext("2d")!;
    const image = context.createImageData(columns, rows);
    const pixels = new Uint32Array(image.data.buffer);
    const known = new Map<string, number>();
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const colour = fill(row, column);
        if (colour === null) continue;
        if (!known.has(colour)) known.set(colour, packed(colour));
        pixels[row * columns + column] = known.get(colour)!;
      }
    }
    context.putImageData(image, 0, 0);
  }

  /** Show which share of the columns is in view, from and to. */
  view(from: number, to: number): void {
    this.#frame.style.left = `${from * 100}%`;
    this.#frame.style.width = `${Math.max(to - from, 0.004) * 100}%`;
  }
}

// A canvas keeps red in the lowest byte.
function packed(colour: string): number {
  const { r, g, b } = rgb(colour);
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}
