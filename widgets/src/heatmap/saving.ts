// What the reader takes home: the picture as SVG or PNG, the numbers as CSV, the selection as a table to paste.
import type { Command } from "../kit/menu";
import { drawGrid } from "../kit/picture";
import { download, fileStem, pngBlob, svgBlob } from "../kit/save";
import { toCsv, type Row } from "../kit/text_table";
import type { Theme } from "../kit/theme";
import { ROW_HEIGHT, type HeatmapState } from "./source";
import { brief } from "./writing";

const MOST_COLUMNS = 256;
const CELL_WIDTH = 48;
const TOKEN_WIDTH = 68;

/** A header and one row per cell of some facets. */
export function* cellRows(
  { data }: HeatmapState,
  facets: Iterable<number>,
  wanted: (facet: number, row: number, column: number) => boolean = () => true,
): Generator<Row> {
  const { spec } = data;
  const faceted = spec.facet_axis !== "";
  yield [...(faceted ? [spec.facet_axis] : []), spec.row_axis, spec.column_axis, ...(spec.token_columns ? ["token"] : []), spec.name];
  for (const facet of facets) {
    const columns = data.columns(facet);
    for (let row = 0; row < spec.rows.length; row++) {
      for (let column = 0; column < columns.length; column++) {
        if (!wanted(facet, row, column)) continue;
        const token = spec.token_columns ? [columns[column]] : [];
        const place = [spec.rows[row], spec.token_columns ? spec.column_values[column] : columns[column], ...token];
        yield [...(faceted ? [spec.facets[facet]] : []), ...place, digits(data.value(facet, row, column))];
      }
    }
  }
}

export function saveCommands(state: () => HeatmapState, theme: () => Theme, columns: () => [number, number]): Command[] {
  const stem = () => {
    const { data, title, facet } = state();
    return fileStem(data.spec.facets.length > 1 ? `${title} ${data.spec.facet_axis} ${facet + 1}` : title);
  };
  const picture = () => draw(state(), theme(), columns());
  const csv = () => {
    const known = [...(state().data.spec.facets.length ? state().data.spec.facets.keys() : [0])].filter((at) => state().data.has(at));
    return new Blob([toCsv(cellRows(state(), known))], { type: "text/csv" });
  };
  return [
    { label: "Save picture (SVG)", run: () => download(`${stem()}.svg`, svgBlob(picture())) },
    { label: "Save picture (PNG)", run: () => void pngBlob(picture()).then((blob) => download(`${stem()}.png`, blob)) },
    { label: "Save data (CSV)", run: () => download(`${fileStem(state().title)}.csv`, csv()) },
  ];
}

// All columns, or those in view where a page could not hold all.
function draw({ data, facet, scale, title }: HeatmapState, theme: Theme, [first, last]: [number, number]): SVGSVGElement {
  const { spec } = data;
  const labels = data.columns(facet);
  const all = labels.length <= MOST_COLUMNS;
  const columns = Array.from({ length: all ? labels.length : last - first + 1 }, (_, i) => i + (all ? 0 : first));
  const rows = [...spec.rows.keys()];
  if (spec.upward) rows.reverse();
  const write = brief(spec.domain, 3);
  return drawGrid({
    title: spec.facets.length > 1 ? `${title}, ${spec.facet_axis} ${spec.facets[facet]}` : title,
    legend: spec.name,
    rows: rows.map((row) => data.rowLabel(row)),
    columns: columns.map((column) => data.columnLabel(facet, column)),
    cellWidth: spec.token_columns ? TOKEN_WIDTH : CELL_WIDTH,
    cellHeight: ROW_HEIGHT,
    scale,
    theme,
    paint: (i, j) => scale.paint(data.value(facet, rows[i], columns[j])),
    text: (i, j) => write(data.value(facet, rows[i], columns[j])),
  });
}

// As many digits as a float32 has.
function digits(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(7)) : value;
}
