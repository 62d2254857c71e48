import assert from "node:assert/strict";
import { test } from "node:test";
import { HeatmapData, type PackedFacet, type Spec } from "../src/heatmap/data";
import { cellRows } from "../src/heatmap/saving";
import { cellWidth, cellWriter, type HeatmapState } from "../src/heatmap/source";
import { brief, inFull } from "../src/heatmap/writing";
import { SelectionIndex } from "../src/kit/selection";
import cases from "./brief_cases.json";

const spec: Spec = {
  rows: ["0", "1"],
  row_axis: "layer",
  row_values: [4, 5],
  columns: [["a", " b"], ["c"]],
  column_axis: "position",
  column_values: [0, 1],
  facets: ["z", "mlp_out"],
  facet_axis: "site",
  facet_values: ["z", "mlp_out"],
  name: "effect (logits)",
  unit: "logits",
  kind: "diverging",
  domain: [-3, 3],
  token_rows: false,
  token_columns: true,
  upward: true,
  actions: [],
};

const facet = (at: number, values: number[]): PackedFacet => ({
  facet: at,
  values: { data: new Float32Array(values).buffer, dtype: "float32", shape: [2, 2], axes: [] },
});
const data = new HeatmapData(spec, [facet(0, [0.5, -3, 2, NaN]), facet(1, [1, NaN, 0.25, NaN])]);

test("numbers and labels belong to their facet", () => {
  assert.equal(data.value(0, 0, 1), -3);
  assert.equal(data.value(1, 1, 0), 0.25);
  assert.deepEqual(data.columns(1), ["c"]);
  assert.ok(Number.isNaN(new HeatmapData(spec, [facet(1, [1, 1, 1, 1])]).value(0, 0, 0)));
});

test("the strongest number has the largest size, whatever its sign", () => {
  assert.deepEqual(data.strongest(0), { row: 0, column: 1 });
  assert.deepEqual(data.strongest(1), { row: 0, column: 0 });
});

test("a record has the names and values of its axes", () => {
  assert.deepEqual(data.record(1, 1, 0), { site: "mlp_out", layer: 5, position: 0 });
  const index = new SelectionIndex([{ site: "z", layer: 4 }]);
  assert.ok(index.has(data.record(0, 0, 1)));
  assert.ok(!index.has(data.record(1, 0, 0)));
});

test("a place is told in words", () => {
  assert.equal(data.place(0, { row: 1, column: 1 }), "layer 1, position 1 ␣b");
  const named = new HeatmapData({ ...spec, rows: ["Layer 7", "8"], token_columns: false }, []);
  assert.equal(named.place(0, { row: 0, column: 0 }), "Layer 7, position a");
});

test("cells are written alike by Python and by the front end", () => {
  for (const [domain, value, text] of cases as [[number, number], number | null, string][]) {
    assert.equal(brief(domain, 3)(value ?? NaN), text);
  }
});

test("numbers lose a digit before they go", () => {
  const write = (width: number) => cellWriter(width, [-2.1, 2.1])?.(-1.234);
  assert.equal(write(60), "−1.23");
  assert.equal(write(40), "−1.2");
  assert.equal(write(31), undefined);
  assert.equal(cellWriter(34, [-2000, 2000]), null);
});

test("columns share the room and keep their labels readable", () => {
  assert.equal(cellWidth(600, 12, 14), 50);
  assert.equal(cellWidth(2000, 4, 14), 68);
  assert.equal(cellWidth(100, 12, 14.4), 20.4);
  assert.equal(cellWidth(100, 12, 500), 76);
});

test("a value in full has its unit", () => {
  assert.equal(inFull(-0.12345, "diverging", "logits"), "−0.123 logits");
  assert.equal(inFull(0.5, "sequential", "probability"), "0.500");
  assert.equal(inFull(NaN, "diverging", "logits"), "–");
});

test("rows to take home have every axis, and only the columns that a facet has", () => {
  const rows = [...cellRows({ data } as HeatmapState, [0, 1])];
  assert.deepEqual(rows[0], ["site", "layer", "position", "token", "effect (logits)"]);
  assert.deepEqual(rows[2], ["z", "0", 1, " b", -3]);
  assert.equal(rows.length, 1 + 4 + 2);
});
