// What the reader takes home: the picture as SVG or PNG, the numbers as CSV, the selection as a table to paste.
import { visible } from "../kit/glyphs";
import type { Command } from "../kit/menu";
import { drawGrid } from "../kit/picture";
import { download, fileStem, pngBlob, svgBlob } from "../kit/save";
import { toCsv, type Row } from "../kit/text_table";
import type { Theme } from "../kit/theme";
import { columnWidth, ROW_HEIGHT, type GridState } from "./grid_source";

const MOST_COLUMNS = 256;

/** A header and one row per cell, with every measure and the top token. */
export function* cellRows(state: GridState, cells: Iterable<[row: number, position: number]>): Generator<Row> {
  const { data, view } = state;
  const { rows, row_axis: axis, measures, prompts } = data.spec;
  yield ["prompt", axis, "position", "token", "prediction", "prediction_id", ...measures.map((measure) => measure.name)];
  for (const [row, position] of cells) {
    const best = data.candidate(view.prompt, row, position, 0);
    const numbers = measures.map((measure) => digits(data.measure(view.prompt, measure.name, row, position)));
    yield [view.prompt, rows[row], position, prompts[view.prompt].tokens[position], best?.token ?? "", best?.id ?? NaN, ...numbers];
  }
}

/** Every cell of the prompt in view with all its top tokens. */
export function* allRows(state: GridState): Generator<Row> {
  const { data, view } = state;
  const { rows, row_axis: axis, measures, prompts } = data.spec;
  const names = measures.map(({ name }) => name);
  yield ["prompt", axis, "position", "token", ...names, "rank", "prediction", "prediction_id", "prediction_value"];
  for (let row = 0; row < rows.length; row++) {
    for (let position = 0; position < data.length(view.prompt); position++) {
      const start = [view.prompt, rows[row], position, prompts[view.prompt].tokens[position]];
      const numbers = measures.map(({ name }) => digits(data.measure(view.prompt, name, row, position)));
      const top = data.top(view.prompt, row, position);
      if (top.length === 0) yield [...start, ...numbers, NaN, "", NaN, NaN];
      for (const [at, { token, id, value }] of top.entries()) yield [...start, ...numbers, at + 1, token, id, digits(value)];
    }
  }
}

export function saveCommands(state: () => GridState, theme: () => Theme, columns: () => [number, number]): Command[] {
  const stem = () => `${fileStem(state().title)}-prompt-${state().view.prompt + 1}`;
  const picture = () => draw(state(), theme(), columns());
  return [
    { label: "Save picture (SVG)", run: () => download(`${stem()}.svg`, svgBlob(picture())) },
    { label: "Save picture (PNG)", run: () => void pngBlob(picture()).then((blob) => download(`${stem()}.png`, blob)) },
    { label: "Save data (CSV)", run: () => download(`${stem()}.csv`, new Blob([toCsv(allRows(state()))], { type: "text/csv" })) },
  ];
}

// All columns, or those in view where a page could not hold all.
function draw(state: GridState, theme: Theme, [first, last]: [number, number]): SVGSVGElement {
  const { data, view, lens, scale } = state;
  const all = data.length(view.prompt) <= MOST_COLUMNS;
  const positions = Array.from({ length: all ? data.length(view.prompt) : last - first + 1 }, (_, i) => i + (all ? 0 : first));
  const rows = [...data.spec.rows.keys()].reverse();
  const text = (row: number, position: number) => {
    if (lens.cellText) return lens.cellText(row, position);
    const best = data.candidate(view.prompt, row, position, 0);
    return best ? visible(best.token) : lens.write(lens.value(row, position));
  };
  return drawGrid({
    title: state.title,
    legend: lens.legend,
    rows: rows.map((row) => data.spec.rows[row]),
    columns: positions.map((position) => visible(data.spec.prompts[view.prompt].tokens[position])),
    cellWidth: columnWidth(0, 1),
    cellHeight: ROW_HEIGHT,
    scale,
    theme,
    paint: (i, j) => scale.paint(lens.value(rows[i], positions[j])),
    text: (i, j) => text(rows[i], positions[j]),
  });
}

// As many digits as a float32 has.
function digits(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(7)) : value;
}
