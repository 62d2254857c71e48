import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, half } from "../src/kit/buffers";

test("an unaligned view into a message is read from where it starts", () => {
  const message = new ArrayBuffer(13);
  const view = new DataView(message, 1, 8);
  view.setFloat32(0, 1.5, true);
  view.setFloat32(4, -2, true);
  const { values } = decode({ data: view, dtype: "float32", shape: [2], axes: ["layer"] });
  assert.deepEqual([...(values as Float32Array)], [1.5, -2]);
});

test("halves: one, the smallest, the largest, infinity, not a number", () => {
  assert.equal(half(0x3c00), 1);
  assert.equal(half(0xc000), -2);
  assert.equal(half(0x0001), 2 ** -24);
  assert.equal(half(0x7bff), 65504);
  assert.equal(half(0xfc00), -Infinity);
  assert.ok(Number.isNaN(half(0x7e00)));
});
