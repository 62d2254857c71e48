// Numbers as text: a true minus, no negative zero, and no more digits than a reader uses.
import { format } from "d3-format";

const whole = format(",.0f");
const fixed = format(".3f");
const hundredths = format(".2f");
const short = format(".3~g");
const tick = format(",~g");
const scientific = format(".1e");
const thousands = format(".2~s");

export const MISSING = "–";

/** A number for a list or a label. */
export function number(value: number): string {
  if (Number.isNaN(value)) return MISSING;
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size >= 100) return whole(value);
  // d3 writes a true minus before a number, not in its exponent.
  return size !== 0 && size < 0.001 ? scientific(value).replace("e-", "e−") : short(value);
}

/** A probability for a narrow cell: two decimals, and nothing where they would be 0. */
export function shortProbability(value: number): string {
  return value >= 0.005 ? hundredths(value).replace(/^0/, "") : "";
}

/** A probability: three decimals, and what is smaller is said to be. */
export function probability(value: number): string {
  if (Number.isNaN(value)) return MISSING;
  return value > 0 && value < 0.0005 ? "<0.001" : fixed(value);
}

/** A rank in full. */
export function rank(value: number): string {
  return Number.isNaN(value) ? MISSING : whole(value);
}

/** A rank for a narrow cell. */
export function shortRank(value: number): string {
  if (Number.isNaN(value)) return MISSING;
  return value < 1000 ? whole(value) : thousands(value);
}

/** A label on an axis. */
export function tickLabel(value: number): string {
  return Math.abs(value) >= 1000 ? thousands(value) : tick(Number(value.toPrecision(12)));
}

/** The way in which a measure's values are written. */
export function writer(kind: string, unit: string): (value: number) => string {
  if (kind === "rank") return rank;
  return unit === "probability" && kind === "sequential" ? probability : number;
}
