import assert from "node:assert/strict";
import { test } from "node:test";
import { TokenData, type PackedSlice, type Spec } from "../src/token_grid/data";
import { columnWidth } from "../src/token_grid/grid_source";
import { lensOf, type View } from "../src/token_grid/lens";

const float = (values: number[], shape: number[]) => ({ data: new Float32Array(values).buffer, dtype: "float32" as const, shape, axes: [] });
const index = (values: number[], shape: number[]) => ({ data: new Uint16Array(values).buffer, dtype: "uint16" as const, shape, axes: [] });

const spec: Spec = {
  prompts: [{ tokens: ["a", "b"], ids: [1, 2] }, { tokens: ["c"], ids: [3] }],
  rows: ["0", "1"],
  row_axis: "layer",
  row_values: [0, 1],
  measures: [{ name: "entropy", kind: "sequential", unit: "nats", domain: [0, 4], description: "of the prediction" }],
  targets: [{ id: 7, token: " x" }],
  target_measures: [
    { name: "probability", kind: "sequential", unit: "probability", domain: [0, 1], description: "" },
    { name: "rank", kind: "rank", unit: "", domain: [1, 100], description: "" },
  ],
  vocabulary: { ids: [7, 9], tokens: [" x", " y"] },
  top: 2,
  actions: [],
};

const slice = (prompt: number, width: number, offset: number): PackedSlice => {
  const cells = 2 * width;
  const count = (start: number) => Array.from({ length: cells }, (_, i) => start + i);
  return {
    prompt,
    start: 0,
    stop: width,
    measures: { entropy: float(count(offset), [2, width]) },
    top_index: index(Array.from({ length: cells }, () => [0, 1]).flat(), [2, width, 2]),
    top_values: float(Array.from({ length: cells }, () => [0.75, 0.25]).flat(), [2, width, 2]),
    targets: { probability: float(count(0).map((i) => i / 10), [1, 2, width]), rank: float(count(1), [1, 2, width]) },
  };
};

const data = new TokenData(spec, [slice(0, 2, 0), slice(1, 1, 10)]);
const view: View = { prompt: 0, compare: null, measure: "entropy", follow: null };

test("numbers are read by row and position", () => {
  assert.equal(data.measure(0, "entropy", 1, 0), 2);
  assert.equal(data.target(0, "rank", 0, 1, 1), 4);
  assert.ok(Number.isNaN(data.measure(1, "entropy", 0, 1)));
});

test("top tokens come best first", () => {
  assert.deepEqual(data.top(0, 1, 1), [{ id: 7, token: " x", value: 0.75 }, { id: 9, token: " y", value: 0.25 }]);
});

test("a measure is the colour, with its unit in the legend", () => {
  const lens = lensOf(data, view);
  assert.equal(lens.value(1, 1), 3);
  assert.equal(lens.name, "entropy (nats)");
  assert.equal(lens.legend, "entropy of the prediction (nats)");
  assert.equal(lens.cellText, null);
});

test("a target is followed exactly", () => {
  const lens = lensOf(data, { ...view, follow: 7, measure: "rank" });
  assert.ok(lens.exact);
  assert.equal(lens.kind, "rank");
  assert.equal(lens.value(1, 0), 3);
  assert.equal(lens.cellText!(1, 0), "3");
  assert.equal(lens.legend, "rank of ␣x");
});

test("another token is followed as far as the top tokens show it", () => {
  const lens = lensOf(data, { ...view, follow: 9, measure: "rank" });
  assert.ok(!lens.exact);
  assert.equal(lens.value(0, 0), 2);
  assert.equal(lens.legend, "rank of ␣y where it is among the top 2");
  assert.ok(Number.isNaN(lensOf(data, { ...view, follow: 5 }).value(0, 0)));
});

test("a comparison subtracts, around 0, where both prompts have a position", () => {
  const lens = lensOf(data, { ...view, compare: 1 });
  assert.equal(lens.kind, "diverging");
  assert.equal(lens.legend, "difference of entropy of the prediction (nats), prompt 1 minus prompt 2");
  assert.equal(lens.value(0, 0), -10);
  assert.ok(Number.isNaN(lens.value(0, 1)));
  assert.deepEqual(lens.domain, [-10, 10].map((end) => Math.sign(end) * 10));
});

test("columns share the room and keep a readable width", () => {
  assert.equal(columnWidth(1000, 10), 100);
  assert.equal(columnWidth(1000, 2), 112);
  assert.equal(columnWidth(1000, 500), 62);
});
