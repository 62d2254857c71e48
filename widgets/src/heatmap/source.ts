// What the grid of cells draws: colours, numbers where there is room, labels as text or tokens.
import { h } from "../kit/dom";
import { tokenElement } from "../kit/glyphs";
import type { GridSource } from "../kit/grid";
import type { ColourScale } from "../kit/scales";
import type { SelectionIndex } from "../kit/selection";
import { headWidth, labelWidth } from "../kit/sizes";
import type { HeatmapData } from "./data";
import { brief, inFull } from "./writing";

export const ROW_HEIGHT = 25;
/** Room for the ring around a selected cell at the right end. */
const RING = 2;
const NARROWEST = 18;
const WIDEST = 68;
const WIDEST_LABEL = 76;
/** Numbers in narrower cells are clutter. */
const ROOM_FOR_NUMBERS = 32;
/** Numbers below this share of the largest are written in a lighter ink. */
const SMALL = 0.05;

export interface HeatmapState {
  data: HeatmapData;
  facet: number;
  scale: ColourScale;
  selected: SelectionIndex;
  title: string;
  /** Room for the grid in pixels. */
  room: number;
}

export function corner({ spec }: HeatmapData): string[] {
  return [`${spec.column_axis} →`, `${spec.row_axis} ↑`];
}

export function rowHeadWidth(data: HeatmapData): number {
  return headWidth([...data.spec.rows.map((_, row) => data.rowLabel(row)), ...corner(data)]);
}

/** Columns share the room, and labels stay readable. */
export function cellWidth(room: number, columns: number, label: number): number {
  const narrowest = Math.min(Math.max(label + 6, NARROWEST), WIDEST_LABEL);
  return Math.min(Math.max(Math.floor(room / columns), narrowest), Math.max(narrowest, WIDEST));
}

/** How numbers are written in cells of a width; null where they do not fit. */
export function cellWriter(width: number, domain: [number, number]): ((value: number) => string) | null {
  for (const digits of [3, 2] as const) {
    const write = brief(domain, digits);
    const longest = Math.max(...domain.map((end) => labelWidth(write(end))));
    if (width >= Math.max(ROOM_FOR_NUMBERS, longest + 6)) return write;
  }
  return null;
}

export function heatmapSource(state: HeatmapState): GridSource {
  const { data, facet, scale, title } = state;
  const { spec } = data;
  const labels = data.columns(facet);
  const head = rowHeadWidth(data);
  const longest = Math.max(...labels.map((_, column) => labelWidth(data.columnLabel(facet, column))));
  const width = cellWidth(state.room - head - RING, labels.length, longest);
  const write = cellWriter(width, spec.domain);
  const quiet = SMALL * Math.max(...spec.domain.map(Math.abs));
  const value = (row: number, column: number) => data.value(facet, row, column);
  return {
    rows: spec.rows.length,
    columns: labels.length,
    bottomUp: spec.upward,
    label: `${title}: ${spec.rows.length} by ${labels.length} (${spec.row_axis} by ${spec.column_axis}), ${spec.name}`,
    corner: corner(data).join("\n"),
    cellWidth: width,
    cellHeight: ROW_HEIGHT,
    headWidth: head,
    paintCell(element, row, column) {
      const number = value(row, column);
      const paint = scale.paint(number);
      if (paint) {
        element.style.background = paint.fill;
        element.style.color = paint.ink;
      } else {
        element.classList.add("mi-missing");
      }
      element.classList.toggle("mi-small", Math.abs(number) < quiet);
      if (write) element.textContent = write(number);
    },
    paintRowHead(element, row) {
      element.append(spec.token_rows ? tokenElement(spec.rows[row]) : spec.rows[row]);
    },
    paintColumnHead(element, column) {
      if (!spec.token_columns) element.append(h("span", { class: "mi-heatmap-label" }, labels[column]));
      else element.append(tokenElement(labels[column]), h("span", {}, String(spec.column_values[column])));
    },
    cellLabel: (row, column) => `${data.place(facet, { row, column })}: ${inFull(value(row, column), spec.kind, spec.unit)}`,
    isSelected: (row, column) => state.selected.has(data.record(facet, row, column)),
  };
}
