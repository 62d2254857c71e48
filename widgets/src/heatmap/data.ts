// The numbers of a heatmap as Python sends them: labels in `spec`, one array per facet.
import { decode, type PackedArray, type Tensor } from "../kit/buffers";
import { visible } from "../kit/glyphs";
import type { Cell } from "../kit/keyboard";
import type { Place } from "../kit/selection";

type Value = number | string;

export interface Spec {
  rows: string[];
  row_axis: string;
  row_values: Value[];
  /** One list for all facets, or one for each. */
  columns: string[][];
  column_axis: string;
  column_values: Value[];
  facets: string[];
  facet_axis: string;
  facet_values: Value[];
  name: string;
  unit: string;
  kind: "sequential" | "diverging";
  domain: [number, number];
  token_rows: boolean;
  token_columns: boolean;
  upward: boolean;
  actions: string[];
}

export interface PackedFacet {
  facet: number;
  values: PackedArray;
}

export interface Part {
  text: string;
  token: string | null;
}

export class HeatmapData {
  readonly #tensors = new Map<number, Tensor>();

  constructor(
    readonly spec: Spec,
    readonly source: PackedFacet[],
  ) {}

  columns(facet: number): string[] {
    const { columns } = this.spec;
    return columns[columns.length > 1 ? facet : 0];
  }

  has(facet: number): boolean {
    return this.source.some((part) => part.facet === facet);
  }

  value(facet: number, row: number, column: number): number {
    const tensor = this.#tensor(facet);
    return tensor ? tensor.values[row * tensor.shape[1] + column] : NaN;
  }

  /** What a selection says of a cell. */
  record(facet: number, row: number, column: number): Place {
    const { spec } = this;
    const place: Place = { [spec.row_axis]: spec.row_values[row], [spec.column_axis]: spec.column_values[column] };
    return spec.facet_axis ? { [spec.facet_axis]: spec.facet_values[facet], ...place } : place;
  }

  /** Where the number with the largest size is. */
  strongest(facet: number): Cell {
    let best = { row: 0, column: 0 };
    let size = -1;
    for (let row = 0; row < this.spec.rows.length; row++) {
      for (let column = 0; column < this.columns(facet).length; column++) {
        const value = Math.abs(this.value(facet, row, column));
        if (value <= size || Number.isNaN(value)) continue;
        size = value;
        best = { row, column };
      }
    }
    return best;
  }

  rowLabel(row: number): string {
    const label = this.spec.rows[row];
    return this.spec.token_rows ? visible(label) : label;
  }

  columnLabel(facet: number, column: number): string {
    const label = this.columns(facet)[column];
    return this.spec.token_columns ? visible(label) : label;
  }

  /** A cell in words: "layer 9", "head 6", a token apart from its position. */
  parts(facet: number, { row, column }: Cell): Part[] {
    const { spec } = this;
    return [
      part(spec.row_axis, spec.rows[row], spec.token_rows, row),
      part(spec.column_axis, this.columns(facet)[column], spec.token_columns, column),
    ];
  }

  place(facet: number, cell: Cell): string {
    return this.parts(facet, cell)
      .map(({ text, token }) => (token === null ? text : `${text} ${visible(token)}`))
      .join(", ");
  }

  #tensor(facet: number): Tensor | undefined {
    const found = this.#tensors.get(facet);
    const packed = found ? undefined : this.source.find((candidate) => candidate.facet === facet);
    if (packed) this.#tensors.set(facet, decode(packed.values));
    return this.#tensors.get(facet);
  }
}

function part(axis: string, label: string, token: boolean, index: number): Part {
  if (token) return { text: `${axis} ${index}`, token: label };
  return { text: label.toLowerCase().startsWith(axis.toLowerCase()) ? label : `${axis} ${label}`, token: null };
}
