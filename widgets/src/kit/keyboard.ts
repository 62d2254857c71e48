// Which key does what in a grid, without a page to try it on.

export interface Cell {
  row: number;
  column: number;
}

export interface Shape {
  rows: number;
  columns: number;
}

export interface Key {
  key: string;
  ctrlKey?: boolean;
  metaKey?: boolean;
}

const STEPS: Record<string, [number, number]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

export const PAGE = 10;

/** The cell that a key moves to, counting rows from the top; null for a key that does not move. */
export function move(event: Key, from: Cell, shape: Shape): Cell | null {
  const far = event.ctrlKey || event.metaKey;
  const step = STEPS[event.key];
  if (step) {
    const [down, right] = far ? step.map((sign) => sign * Infinity) : step;
    return clampCell({ row: from.row + (down || 0), column: from.column + (right || 0) }, shape);
  }
  switch (event.key) {
    case "Home":
      return { row: far ? 0 : from.row, column: 0 };
    case "End":
      return { row: far ? shape.rows - 1 : from.row, column: shape.columns - 1 };
    case "PageUp":
      return clampCell({ row: from.row, column: from.column - PAGE }, shape);
    case "PageDown":
      return clampCell({ row: from.row, column: from.column + PAGE }, shape);
    default:
      return null;
  }
}

export function clampCell(cell: Cell, shape: Shape): Cell {
  return {
    row: Math.min(Math.max(cell.row, 0), shape.rows - 1),
    column: Math.min(Math.max(cell.column, 0), shape.columns - 1),
  };
}

const GRID_KEYS = new Set([...Object.keys(STEPS), "Home", "End", "PageUp", "PageDown", "Enter", " ", "Escape", "?"]);

/** Whether a widget, and not the notebook around it, gets a key. */
export function isWidgetKey(event: Key): boolean {
  if (event.ctrlKey || event.metaKey) return event.key === "c" || GRID_KEYS.has(event.key);
  return GRID_KEYS.has(event.key) || event.key.length === 1 || event.key === "Tab" || event.key === "Backspace" || event.key === "Delete";
}

/**
 * Keep the widget's keys from the notebook. JupyterLab listens on the document before the page does, and leaves elements with
 * this attribute alone; it is set only while a key of the widget passes, so that Ctrl+S still saves.
 */
export function keepKeys(root: HTMLElement, signal: AbortSignal): void {
  const mark = (event: KeyboardEvent) => {
    const ours = event.target instanceof Node && root.contains(event.target) && isWidgetKey(event);
    root.toggleAttribute("data-lm-suppress-shortcuts", ours);
  };
  window.addEventListener("keydown", mark, { capture: true, signal });
  root.addEventListener("keydown", (event) => isWidgetKey(event) && event.stopPropagation(), { signal });
}
