// Numbers in cells: as many decimals as the largest of a picture needs for two digits, or three, the same in every cell.
// mi_nb/widgets/heatmap_table.py writes the same.
import { format } from "d3-format";
import { MISSING, number, writer } from "../kit/numbers";

const MINUS = "−";

/** Writes the values of a picture for its cells; `digits` of the largest are kept, decimals at most two but for small numbers. */
export function brief([low, high]: [number, number], digits: 2 | 3): (value: number) => string {
  const reach = Math.max(Math.abs(low), Math.abs(high));
  const exponent = Math.floor(Math.log10(reach));
  const decimals = Math.min(Math.max((exponent < 0 ? 2 : digits) - 1 - exponent, 0), 4);
  const fixed = format(`,.${decimals}f`);
  return (value) => {
    if (!Number.isFinite(value) || reach < 1e-3) return number(value);
    const text = fixed(value);
    if (Number(text.replaceAll(",", "").replace(MINUS, "-")) === 0) return "0";
    return Math.abs(value) < 1 ? text.replace("0.", ".") : text;
  };
}

/** A value in full with its unit. */
export function inFull(value: number, kind: string, unit: string): string {
  if (Number.isNaN(value)) return MISSING;
  return writer(kind, unit)(value) + (unit && unit !== "probability" ? ` ${unit}` : "");
}
