// The numbers of a token grid as Python sends them: labels in `spec`, arrays in slices, one per prompt.
import { decode, type PackedArray, type Tensor } from "../kit/buffers";
import type { Kind } from "../kit/scales";

export interface Measure {
  name: string;
  kind: Kind;
  unit: string;
  domain: [number, number];
  description: string;
}

export interface Spec {
  prompts: { tokens: string[]; ids: number[] }[];
  rows: string[];
  row_axis: string;
  row_values: number[];
  measures: Measure[];
  targets: { id: number; token: string }[];
  target_measures: Measure[];
  vocabulary: { ids: number[]; tokens: string[] };
  top: number;
  actions: string[];
}

export interface PackedSlice {
  prompt: number;
  start: number;
  stop: number;
  measures: Record<string, PackedArray>;
  top_index: PackedArray;
  top_values: PackedArray;
  targets: Record<string, PackedArray>;
}

export interface Candidate {
  id: number;
  token: string;
  value: number;
}

export class TokenData {
  readonly #slices: Map<number, PackedSlice>;
  readonly #decoded = new Map<PackedArray, Tensor>();

  constructor(
    readonly spec: Spec,
    readonly source: PackedSlice[],
  ) {
    this.#slices = new Map(source.map((slice) => [slice.prompt, slice]));
  }

  length(prompt: number): number {
    return this.spec.prompts[prompt]?.tokens.length ?? 0;
  }

  /** Whether the numbers of a position are here; long prompts arrive in windows. */
  has(prompt: number, position: number): boolean {
    const slice = this.#slices.get(prompt);
    return slice !== undefined && position >= slice.start && position < slice.stop;
  }

  measure(prompt: number, name: string, row: number, position: number): number {
    return this.#read(prompt, position, (slice) => slice.measures[name], [row]);
  }

  /** A target's number; `target` is its index. */
  target(prompt: number, name: string, target: number, row: number, position: number): number {
    return this.#read(prompt, position, (slice) => slice.targets[name], [target, row]);
  }

  targetIndex(id: number): number {
    return this.spec.targets.findIndex((target) => target.id === id);
  }

  /** The top tokens of a cell, best first. */
  top(prompt: number, row: number, position: number): Candidate[] {
    const found: Candidate[] = [];
    for (let rank = 0; rank < this.spec.top; rank++) {
      const candidate = this.candidate(prompt, row, position, rank);
      if (candidate) found.push(candidate);
    }
    return found;
  }

  candidate(prompt: number, row: number, position: number, rank: number): Candidate | null {
    const { ids, tokens } = this.spec.vocabulary;
    if (rank >= this.spec.top) return null;
    const index = this.#read(prompt, position, (slice) => slice.top_index, [row], rank);
    if (!(index >= 0 && index < ids.length)) return null;
    const value = this.#read(prompt, position, (slice) => slice.top_values, [row], rank);
    return { id: ids[index], token: tokens[index], value };
  }

  /** The string of a token id, as far as any list has it. */
  token(id: number): string {
    const target = this.spec.targets.find((candidate) => candidate.id === id);
    if (target) return target.token;
    const at = this.spec.vocabulary.ids.indexOf(id);
    return at >= 0 ? this.spec.vocabulary.tokens[at] : `id ${id}`;
  }

  // Arrays are (...before, position) or (...before, position, rank).
  #read(
    prompt: number,
    position: number,
    find: (slice: PackedSlice) => PackedArray | undefined,
    before: number[],
    rank?: number,
  ): number {
    const slice = this.#slices.get(prompt);
    if (!slice || position < slice.start || position >= slice.stop) return NaN;
    const packed = find(slice);
    if (!packed) return NaN;
    const { values, shape } = this.#tensor(packed);
    let offset = 0;
    for (let axis = 0; axis < before.length; axis++) offset = offset * shape[axis] + before[axis];
    offset = offset * shape[before.length] + position - slice.start;
    return values[rank === undefined ? offset : offset * shape[before.length + 1] + rank];
  }

  #tensor(packed: PackedArray): Tensor {
    let tensor = this.#decoded.get(packed);
    if (!tensor) this.#decoded.set(packed, (tensor = decode(packed)));
    return tensor;
  }
}
