// A grid with labels and legend as an SVG document, for papers and slides.
import { svg } from "./dom";
import { tickLabel } from "./numbers";
import type { Theme } from "./theme";
import type { ColourScale, Paint } from "./scales";

export interface GridPicture {
  title: string;
  legend: string;
  rows: string[];
  columns: string[];
  cellWidth: number;
  cellHeight: number;
  scale: ColourScale;
  theme: Theme;
  /** Rows from the top. */
  paint(row: number, column: number): Paint | null;
  text(row: number, column: number): string;
}

const CHARACTER = 7.3;
const FONT = 12;
const PAD = 12;
const LEGEND = 200;

export function drawGrid(picture: GridPicture): SVGSVGElement {
  const { rows, columns, cellWidth, cellHeight, theme } = picture;
  const left = PAD + Math.max(...rows.map((row) => row.length)) * CHARACTER + 8;
  const top = PAD + 28;
  const bottom = top + rows.length * cellHeight;
  const width = Math.max(left + columns.length * cellWidth, left + LEGEND + 12 + picture.legend.length * CHARACTER) + PAD;
  const height = bottom + 76;
  const label = (x: number, y: number, text: string, more: Record<string, string | number> = {}) =>
    svg("text", { x, y, fill: theme.ink, "font-size": FONT, "dominant-baseline": "central", ...more }, text);
  const size = { width, height, viewBox: `0 0 ${width} ${height}` };
  const root = svg("svg", { ...size, "font-family": theme.font });
  root.append(svg("rect", { width, height, fill: theme.background }));
  root.append(label(PAD, PAD + 8, picture.title, { "font-size": 14, "font-weight": 600 }));
  rows.forEach((row, i) => {
    root.append(label(left - 8, top + (i + 0.5) * cellHeight, row, { "text-anchor": "end" }));
    columns.forEach((_, j) => root.append(...cell(picture, i, j, left, top)));
  });
  columns.forEach((column, j) => {
    const text = fit(column, cellWidth);
    root.append(label(left + j * cellWidth + 4, bottom + 12, text, { "font-family": theme.code }));
  });
  root.append(...legend(picture, left, bottom + 34, label));
  return root as SVGSVGElement;
}

function cell(picture: GridPicture, row: number, column: number, left: number, top: number): SVGElement[] {
  const { cellWidth, cellHeight, theme } = picture;
  const paint = picture.paint(row, column);
  const [x, y] = [left + column * cellWidth, top + row * cellHeight];
  const parts: SVGElement[] = [];
  if (paint) parts.push(svg("rect", { x, y, width: cellWidth - 1, height: cellHeight - 1, rx: 2, fill: paint.fill }));
  const text = fit(picture.text(row, column), cellWidth);
  if (text) {
    const place = { x: x + 4, y: y + (cellHeight - 1) / 2, "font-size": FONT, "dominant-baseline": "central" };
    parts.push(svg("text", { ...place, fill: paint?.ink ?? theme.ink, "font-family": theme.code }, text));
  }
  return parts;
}

function legend(
  picture: GridPicture,
  x: number,
  y: number,
  label: (x: number, y: number, text: string, more?: Record<string, string | number>) => SVGElement,
): SVGElement[] {
  const { scale } = picture;
  const stops = Array.from({ length: 25 }, (_, i) => svg("stop", { offset: i / 24, "stop-color": scale.ramp(i / 24) }));
  const ticks = scale.ticks().map((value) => label(x + scale.share(value) * LEGEND, y + 22, tickLabel(value), { "text-anchor": "middle" }));
  return [
    svg("defs", {}, svg("linearGradient", { id: "ramp" }, ...stops)),
    svg("rect", { x, y, width: LEGEND, height: 10, fill: "url(#ramp)", stroke: picture.theme.quiet, "stroke-width": 0.5 }),
    ...ticks,
    label(x + LEGEND + 12, y + 5, picture.legend),
  ];
}

function fit(text: string, width: number): string {
  const room = Math.floor((width - 7) / CHARACTER);
  const characters = [...text];
  if (room < 2) return "";
  return characters.length <= room ? text : `${characters.slice(0, room - 1).join("")}…`;
}
