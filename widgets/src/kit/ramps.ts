// The colours of numbers. A ramp starts at the background, so that nothing glares in the dark.
import { rgb } from "d3-color";
import { interpolateRgb, piecewise } from "d3-interpolate";
import { interpolateGnBu, interpolateRdBu } from "d3-scale-chromatic";

export interface Surface {
  dark: boolean;
  background: string;
}

export type Ramp = (share: number) => string;

const mix = interpolateRgb.gamma(1.8);

export const DARK_INK = "#14181d";
export const LIGHT_INK = "#ffffff";

/** From the background (share 0) to the strongest colour (share 1). */
export function sequential(surface: Surface): Ramp {
  const shares = surface.dark ? [0.9, 0.72, 0.55, 0.36, 0.12] : [0.16, 0.36, 0.55, 0.76, 0.98];
  return piecewise(mix, [surface.background, ...shares.map(interpolateGnBu)]);
}

/** From the most negative (share 0) through the background (share 1/2) to the most positive (share 1). */
export function diverging(surface: Surface): Ramp {
  const negative = surface.dark ? [0.28, 0.12] : [0.06, 0.24];
  const positive = negative.map((share) => 1 - share).reverse();
  const colours = [...negative, null, ...positive].map((share) =>
    share === null ? surface.background : interpolateRdBu(share),
  );
  return piecewise(mix, colours);
}

/** The ink that reads better on a colour: on middling blues the eye prefers white before the contrast formula does. */
export function inkOn(colour: string): string {
  return luminance(colour) > 0.25 ? DARK_INK : LIGHT_INK;
}

/** Relative luminance, as WCAG defines it. */
export function luminance(colour: string): number {
  const { r, g, b } = rgb(colour);
  const [red, green, blue] = [r, g, b].map((channel) => {
    const share = channel / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Whether a background is dark enough for light ink. */
export function isDark(background: string): boolean {
  return luminance(background) < 0.18;
}

/** The light ramps as lists, for tables that Python draws. */
export function table(steps = 33): Record<string, unknown> {
  const surface = { dark: false, background: "#ffffff" };
  const sample = (ramp: Ramp) => Array.from({ length: steps }, (_, i) => rgb(ramp(i / (steps - 1))).formatHex());
  return {
    sequential: sample(sequential(surface)),
    diverging: sample(diverging(surface)),
    dark_ink: DARK_INK,
    light_ink: LIGHT_INK,
  };
}
