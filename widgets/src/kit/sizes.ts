// How wide labels are, before anything is drawn.

const CHARACTER = 7.2;

/** Pixels that a label needs in the label font. */
export function labelWidth(label: string): number {
  return [...label].length * CHARACTER;
}

/** The width of the row labels; what is longer is cut. */
export function headWidth(labels: string[]): number {
  return Math.min(Math.max(Math.max(...labels.map(labelWidth)) + 14, 40), 140);
}
