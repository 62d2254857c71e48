import assert from "node:assert/strict";
import { test } from "node:test";
import { rectangle, SelectionIndex, toggled } from "../src/kit/selection";

test("a record matches its cell, whatever the order of its keys", () => {
  const index = new SelectionIndex([{ position: 5, layer: 3, prompt: 0 }]);
  assert.ok(index.has({ prompt: 0, layer: 3, position: 5 }));
  assert.ok(!index.has({ prompt: 1, layer: 3, position: 5 }));
});

test("an axis that is left out stands for all its values", () => {
  const index = new SelectionIndex([{ layer: 3 }, { position: 1 }]);
  assert.ok(index.has({ layer: 3, position: 9 }));
  assert.ok(index.has({ layer: 0, position: 1 }));
  assert.ok(!index.has({ layer: 0, position: 2 }));
});

test("a record with an axis that the widget lacks matches nothing", () => {
  assert.ok(!new SelectionIndex([{ head: 1, layer: 3 }]).has({ layer: 3, position: 1 }));
  assert.ok(!new SelectionIndex([{}]).has({ layer: 3 }));
});

test("a range has all cells between its corners", () => {
  assert.deepEqual(rectangle({ row: 2, column: 1 }, { row: 1, column: 2 }), [
    { row: 1, column: 1 },
    { row: 1, column: 2 },
    { row: 2, column: 1 },
    { row: 2, column: 2 },
  ]);
});

test("toggling adds, and takes out again", () => {
  const once = toggled([{ layer: 1 }], { layer: 2 });
  assert.deepEqual(once, [{ layer: 1 }, { layer: 2 }]);
  assert.deepEqual(toggled(once, { layer: 1 }), [{ layer: 2 }]);
});
