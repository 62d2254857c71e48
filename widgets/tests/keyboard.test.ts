import assert from "node:assert/strict";
import { test } from "node:test";
import { isWidgetKey, move, PAGE } from "../src/kit/keyboard";

const shape = { rows: 4, columns: 30 };
const from = { row: 1, column: 12 };

const cases: [string, boolean, number, number][] = [
  ["ArrowUp", false, 0, 12],
  ["ArrowDown", false, 2, 12],
  ["ArrowLeft", false, 1, 11],
  ["ArrowRight", false, 1, 13],
  ["ArrowRight", true, 1, 29],
  ["ArrowUp", true, 0, 12],
  ["Home", false, 1, 0],
  ["End", false, 1, 29],
  ["Home", true, 0, 0],
  ["End", true, 3, 29],
  ["PageUp", false, 1, 12 - PAGE],
  ["PageDown", false, 1, 12 + PAGE],
];
for (const [key, ctrlKey, row, column] of cases) {
  test(`${ctrlKey ? "Ctrl+" : ""}${key}`, () => assert.deepEqual(move({ key, ctrlKey }, from, shape), { row, column }));
}

test("the edge holds", () => {
  assert.deepEqual(move({ key: "ArrowUp" }, { row: 0, column: 0 }, shape), { row: 0, column: 0 });
  assert.deepEqual(move({ key: "PageDown" }, { row: 0, column: 25 }, shape), { row: 0, column: 29 });
});

test("other keys do not move", () => assert.equal(move({ key: "x" }, from, shape), null));

test("the notebook keeps its own commands", () => {
  assert.ok(isWidgetKey({ key: "a" }));
  assert.ok(isWidgetKey({ key: "Enter", ctrlKey: true }));
  assert.ok(!isWidgetKey({ key: "s", ctrlKey: true }));
  assert.ok(!isWidgetKey({ key: "F5" }));
});
