import assert from "node:assert/strict";
import { test } from "node:test";
import { glyphs, visible } from "../src/kit/glyphs";
import cases from "./glyph_cases.json";

for (const [token, expected] of cases) {
  test(`${JSON.stringify(token)} shows as ${expected}`, () => assert.equal(visible(token), expected));
}

test("marks are apart from text, so that they can be lighter", () => {
  assert.deepEqual(glyphs(" a\n"), [
    { text: "␣", mark: true },
    { text: "a", mark: false },
    { text: "\\n", mark: true },
  ]);
});

test("a lone surrogate is named", () => assert.equal(visible("\ud800"), "U+D800"));
