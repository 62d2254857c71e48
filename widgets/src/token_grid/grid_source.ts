// What the grid of cells draws: colours from the lens, top tokens where there is room.
import { showToken, tokenElement, visible } from "../kit/glyphs";
import { h } from "../kit/dom";
import type { GridSource } from "../kit/grid";
import { headWidth } from "../kit/sizes";
import type { ColourScale } from "../kit/scales";
import type { SelectionIndex } from "../kit/selection";
import type { TokenData } from "./data";
import type { Lens, View } from "./lens";

export const ROW_HEIGHT = 23;
const COMFORTABLE = 62;
const WIDEST = 112;
const ROOM_FOR_TEXT = 26;

/** Columns share the room that there is; where it is too little they keep a readable width and the grid scrolls. */
export function columnWidth(room: number, columns: number): number {
  return Math.min(Math.max(Math.floor(room / columns), COMFORTABLE), WIDEST);
}

export interface GridState {
  data: TokenData;
  view: View;
  lens: Lens;
  scale: ColourScale;
  selected: SelectionIndex;
  title: string;
  /** Room for the grid in pixels. */
  room: number;
}

export function record({ data, view }: GridState, row: number, position: number): Record<string, number> {
  const { row_axis: axis, row_values: values } = data.spec;
  return { prompt: view.prompt, [axis]: values[row], position };
}

export function gridSource(state: GridState): GridSource {
  const { data, view, lens, scale } = state;
  const { rows, row_axis: axis, prompts } = data.spec;
  const columns = data.length(view.prompt);
  const head = headWidth([...rows, axis]);
  const width = columnWidth(state.room - head, columns);
  const compared = view.compare !== null && view.compare !== view.prompt ? prompts[view.compare].tokens : null;
  return {
    rows: rows.length,
    columns,
    bottomUp: true,
    label: `${state.title}: ${rows.length} rows by ${columns} positions, ${lens.name}`,
    corner: axis,
    cellWidth: width,
    cellHeight: ROW_HEIGHT,
    headWidth: head,
    paintCell(element, row, position) {
      const paint = scale.paint(lens.value(row, position));
      if (paint) {
        element.style.background = paint.fill;
        element.style.color = paint.ink;
      } else {
        element.classList.add("mi-missing");
      }
      const best = data.candidate(view.prompt, row, position, 0);
      if (best) element.dataset.id = String(best.id);
      if (width < ROOM_FOR_TEXT) return;
      if (lens.cellText) element.textContent = lens.cellText(row, position);
      else if (best) showToken(element, best.token);
      else element.textContent = lens.write(lens.value(row, position));
    },
    paintRowHead(element, row) {
      element.textContent = rows[row];
    },
    paintColumnHead(element, position) {
      const tokens = prompts[view.prompt].tokens;
      const below = compared ? tokenElement(compared[position] ?? "") : h("span", {}, String(position));
      element.append(tokenElement(tokens[position]), below);
    },
    cellLabel(row, position) {
      const best = data.candidate(view.prompt, row, position, 0);
      const top = best ? `${visible(best.token)}, ` : "";
      const after = visible(prompts[view.prompt].tokens[position]);
      return `${axis} ${rows[row]}, position ${position} after ${after}: ${top}${lens.name} ${lens.write(lens.value(row, position))}`;
    },
    isSelected: (row, position) => state.selected.has(record(state, row, position)),
  };
}
