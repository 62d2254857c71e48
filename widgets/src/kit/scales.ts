// Numbers to colours: a d3 scale to a share of the ramp, and the ramp's colours looked up by that share.
import { scaleLinear } from "d3-scale";
import { diverging, inkOn, sequential, type Ramp, type Surface } from "./ramps";

export type Kind = "sequential" | "diverging" | "rank";

export interface Paint {
  fill: string;
  ink: string;
}

export interface ColourScale {
  kind: Kind;
  domain: [number, number];
  /** Where a value lies along the ramp, 0 to 1, clamped. */
  share(value: number): number;
  /** Fill and ink of a value; null for what is missing. */
  paint(value: number): Paint | null;
  ramp: Ramp;
  /** At most five values for the legend, 0 among them where it lies in the domain. */
  ticks(): number[];
}

/** Even, so that the middle of a diverging scale is a step: 0 has exactly the background's colour. */
const STEPS = 256;

export function colourScale(kind: Kind, domain: readonly [number, number], surface: Surface): ColourScale {
  const ramp = kind === "diverging" ? diverging(surface) : sequential(surface);
  const palette = new Array<Paint | undefined>(STEPS + 1);
  const [low, high] = domain;
  // Ranks are read by their order of magnitude, and rank 1 is the strongest colour.
  const place = kind === "rank" ? Math.log : Number;
  const along = scaleLinear()
    .domain(kind === "rank" ? [place(high), place(low)] : [low, high])
    .clamp(true);
  const position = (value: number) => along(place(value));
  return {
    kind,
    domain: [low, high],
    ramp,
    share: position,
    paint(value) {
      if (Number.isNaN(value)) return null;
      const step = Math.round(position(value) * STEPS);
      return (palette[step] ??= withInk(ramp(step / STEPS)));
    },
    ticks: () => (kind === "rank" ? rankTicks(high) : linearTicks(low, high)),
  };
}

function withInk(fill: string): Paint {
  return { fill, ink: inkOn(fill) };
}

function linearTicks(low: number, high: number): number[] {
  return scaleLinear().domain([low, high]).ticks(4);
}

function rankTicks(high: number): number[] {
  const powers = [1];
  while (powers[powers.length - 1] * 10 <= high) powers.push(powers[powers.length - 1] * 10);
  return powers;
}
