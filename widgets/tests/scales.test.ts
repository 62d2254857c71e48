import assert from "node:assert/strict";
import { test } from "node:test";
import { rgb } from "d3-color";
import { diverging, inkOn, isDark, luminance, sequential } from "../src/kit/ramps";
import { colourScale } from "../src/kit/scales";

const light = { dark: false, background: "rgb(255, 255, 255)" };
const dark = { dark: true, background: "rgb(17, 17, 17)" };
const hex = (colour: string) => rgb(colour).formatHex();

test("nothing glares: the low end and the middle are the background", () => {
  for (const surface of [light, dark]) {
    assert.equal(hex(sequential(surface)(0)), hex(surface.background));
    assert.equal(hex(diverging(surface)(0.5)), hex(surface.background));
  }
});

test("more is further from the background all the way", () => {
  for (const surface of [light, dark]) {
    for (const ramp of [sequential(surface), (share: number) => diverging(surface)(0.5 + share / 2)]) {
      const steps = Array.from({ length: 21 }, (_, i) => luminance(ramp(i / 20)));
      const signs = steps.slice(1).map((value, i) => Math.sign(value - steps[i]));
      assert.deepEqual(new Set(signs), new Set([surface.dark ? 1 : -1]));
    }
  }
});

test("ink has a contrast of at least 3.5 on every colour", () => {
  for (const surface of [light, dark]) {
    for (const ramp of [sequential(surface), diverging(surface)]) {
      for (let i = 0; i <= 50; i++) {
        const [fill, ink] = [luminance(ramp(i / 50)), luminance(inkOn(ramp(i / 50)))];
        const contrast = (Math.max(fill, ink) + 0.05) / (Math.min(fill, ink) + 0.05);
        assert.ok(contrast >= 3.5, `${ramp(i / 50)} at ${i / 50}: ${contrast.toFixed(2)}`);
      }
    }
  }
});

test("a diverging scale has 0 in the middle and a tick at 0", () => {
  const scale = colourScale("diverging", [-3, 3], light);
  assert.equal(scale.share(0), 0.5);
  assert.ok(scale.ticks().includes(0));
  assert.equal(scale.share(99), 1);
});

test("rank 1 is the strongest colour and steps are orders of magnitude", () => {
  const scale = colourScale("rank", [1, 10000], light);
  assert.equal(scale.share(1), 1);
  assert.ok(Math.abs(scale.share(100) - 0.5) < 1e-12);
  assert.equal(scale.share(10000), 0);
  assert.deepEqual(scale.ticks(), [1, 10, 100, 1000, 10000]);
});

test("what is missing has no colour", () => assert.equal(colourScale("sequential", [0, 1], light).paint(NaN), null));

test("a background is dark or it is not", () => {
  assert.ok(isDark("rgb(17, 17, 17)"));
  assert.ok(isDark("rgb(56, 56, 56)"));
  assert.ok(!isDark("rgb(245, 245, 245)"));
});
