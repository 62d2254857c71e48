// Selections are lists of records such as {layer: 3, position: 5}; an axis that is left out stands for all its values.
import type { Cell } from "./keyboard";

export type Place = Record<string, number | string>;
export type Selection = Place[];

/** Tests cells against a selection in constant time. */
export class SelectionIndex {
  readonly #groups = new Map<string, { axes: string[]; values: Set<string> }>();

  constructor(readonly selection: Selection) {
    for (const record of selection) {
      const axes = Object.keys(record).sort();
      if (axes.length === 0) continue;
      const name = axes.join();
      const group = this.#groups.get(name) ?? { axes, values: new Set() };
      group.values.add(key(record, axes));
      this.#groups.set(name, group);
    }
  }

  has(record: Place): boolean {
    for (const { axes, values } of this.#groups.values()) {
      if (axes.every((axis) => axis in record) && values.has(key(record, axes))) return true;
    }
    return false;
  }
}

/** All cells between two corners. */
export function rectangle(from: Cell, to: Cell): Cell[] {
  const cells: Cell[] = [];
  const [top, bottom] = [Math.min(from.row, to.row), Math.max(from.row, to.row)];
  const [left, right] = [Math.min(from.column, to.column), Math.max(from.column, to.column)];
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) cells.push({ row, column });
  }
  return cells;
}

/** The selection with a record added, or taken out where it was in. */
export function toggled(selection: Selection, record: Place): Selection {
  const axes = Object.keys(record).sort();
  const name = key(record, axes);
  const rest = selection.filter((other) => Object.keys(other).length !== axes.length || key(other, axes) !== name);
  return rest.length < selection.length ? rest : [...selection, record];
}

function key(record: Place, axes: string[]): string {
  return axes.map((axis) => record[axis]).join();
}
