// What the colour of a cell stands for: a measure, a followed token, or the difference of two prompts.
import { visible } from "../kit/glyphs";
import { MISSING, number, probability, rank, shortProbability, shortRank, writer } from "../kit/numbers";
import type { Kind } from "../kit/scales";
import type { Measure, TokenData } from "./data";

export interface View {
  prompt: number;
  compare: number | null;
  measure: string;
  follow: number | null;
}

export interface Lens {
  /** The measures to choose from. */
  choices: Measure[];
  chosen: string;
  kind: Kind;
  domain: [number, number];
  /** The name of the numbers with their unit. */
  name: string;
  /** What the colour is, in full. */
  legend: string;
  value(row: number, position: number): number;
  write(value: number): string;
  /** What a cell says besides its top token; null where it shows the token itself. */
  cellText: ((row: number, position: number) => string) | null;
  /** Whether a followed token is known everywhere, not only among the top tokens. */
  exact: boolean;
}

type Reader = (prompt: number, row: number, position: number) => number;

const FOLLOWED: Measure[] = [
  { name: "probability", kind: "sequential", unit: "probability", domain: [0, 1], description: "" },
  { name: "rank", kind: "rank", unit: "", domain: [1, 2], description: "" },
];

export function lensOf(data: TokenData, view: View): Lens {
  return view.follow === null ? measureLens(data, view) : followLens(data, view, view.follow);
}

function measureLens(data: TokenData, view: View): Lens {
  const { measures } = data.spec;
  const measure = choose(measures, view.measure);
  const read: Reader = (prompt, row, position) => data.measure(prompt, measure.name, row, position);
  return finish(data, view, measures, measure, read, measure.name, measure.description, null, true);
}

function followLens(data: TokenData, view: View, id: number): Lens {
  const index = data.targetIndex(id);
  const exact = index >= 0 && data.spec.target_measures.length > 0;
  const partial = () => FOLLOWED.map((measure) => ({ ...measure, domain: partialDomain(data, measure) }));
  const choices = exact ? data.spec.target_measures : partial();
  const measure = choose(choices, view.measure);
  const read: Reader = exact
    ? (prompt, row, position) => data.target(prompt, measure.name, index, row, position)
    : (prompt, row, position) => amongTop(data, id, measure.name, prompt, row, position);
  const brief = measure.kind === "rank" ? shortRank : measure.name === "probability" ? shortProbability : number;
  const text = (row: number, position: number) => {
    const value = read(view.prompt, row, position);
    return Number.isNaN(value) ? "" : brief(value);
  };
  const token = visible(data.token(id));
  const description = exact ? "" : `where it is among the top ${data.spec.top}`;
  return finish(data, view, choices, measure, read, `${measure.name} of ${token}`, description, text, exact);
}

function finish(
  data: TokenData,
  view: View,
  choices: Measure[],
  measure: Measure,
  read: Reader,
  name: string,
  description: string,
  cellText: Lens["cellText"],
  exact: boolean,
): Lens {
  const unit = measure.unit && !name.startsWith(measure.unit) ? ` (${measure.unit})` : "";
  const described = (description ? `${name} ${description}` : name) + unit;
  const shared = { choices, chosen: measure.name, exact };
  if (view.compare === null || view.compare === view.prompt) {
    const write = writer(measure.kind, measure.unit);
    const value = (row: number, position: number) => read(view.prompt, row, position);
    return { ...shared, kind: measure.kind, domain: measure.domain, name: name + unit, legend: described, value, write, cellText };
  }
  const logarithmic = measure.kind === "rank";
  const scale = logarithmic ? Math.log10 : (value: number) => value;
  const other = view.compare;
  const value = (row: number, position: number) =>
    scale(read(view.prompt, row, position)) - scale(read(other, row, position));
  const difference = `difference of ${logarithmic ? "log₁₀ " : ""}`;
  return {
    ...shared,
    kind: "diverging",
    domain: differenceDomain(data, view, value),
    name: difference + name + unit,
    legend: `${difference}${described}, prompt ${view.prompt + 1} minus prompt ${other + 1}`,
    value,
    write: number,
    cellText: null,
  };
}

function differenceDomain(data: TokenData, view: View, value: Lens["value"]): [number, number] {
  const length = Math.min(data.length(view.prompt), data.length(view.compare!));
  let reach = 0;
  for (let row = 0; row < data.spec.rows.length; row++) {
    for (let position = 0; position < length; position++) {
      const size = Math.abs(value(row, position));
      if (Number.isFinite(size) && size > reach) reach = size;
    }
  }
  return [-(reach || 1), reach || 1];
}

function amongTop(data: TokenData, id: number, name: string, prompt: number, row: number, position: number): number {
  for (let at = 0; at < data.spec.top; at++) {
    const candidate = data.candidate(prompt, row, position, at);
    if (candidate?.id === id) return name === "rank" ? at + 1 : candidate.value;
  }
  return NaN;
}

function partialDomain(data: TokenData, measure: Measure): [number, number] {
  return measure.kind === "rank" ? [1, Math.max(data.spec.top, 2)] : measure.domain;
}

function choose(measures: Measure[], name: string): Measure {
  return measures.find((measure) => measure.name === name) ?? measures[0];
}

/** Numbers of a followed token for one cell, as text. */
export function followedNumbers(data: TokenData, view: View, row: number, position: number): string {
  const { follow } = view;
  if (follow === null) return "";
  const index = data.targetIndex(follow);
  const read = (name: string) =>
    index >= 0 ? data.target(view.prompt, name, index, row, position) : amongTop(data, follow, name, view.prompt, row, position);
  const [share, place] = [read("probability"), read("rank")];
  if (Number.isNaN(share) && Number.isNaN(place)) return MISSING;
  const parts = [Number.isNaN(place) ? "" : `rank ${rank(place)}`, Number.isNaN(share) ? "" : `p ${probability(share)}`];
  return parts.filter(Boolean).join(", ");
}
