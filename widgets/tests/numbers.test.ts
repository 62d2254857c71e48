import assert from "node:assert/strict";
import { test } from "node:test";
import { number, probability, rank, shortProbability, shortRank, tickLabel, writer } from "../src/kit/numbers";

test("numbers have a true minus and no negative zero", () => {
  assert.equal(number(-1.5), "−1.5");
  assert.equal(number(-0), "0");
  assert.equal(number(-1e-12), "−1.0e−12");
  assert.equal(number(12345.6), "12,346");
  assert.equal(number(3.14159), "3.14");
  assert.equal(number(NaN), "–");
  assert.equal(number(-Infinity), "−∞");
});

test("probabilities keep three decimals and say what is smaller", () => {
  assert.equal(probability(0.12345), "0.123");
  assert.equal(probability(0.0001), "<0.001");
  assert.equal(probability(0), "0.000");
  assert.equal(shortProbability(0.834), ".83");
  assert.equal(shortProbability(1), "1.00");
  assert.equal(shortProbability(0.004), "");
});

test("ranks are whole, and short in cells", () => {
  assert.equal(rank(50257), "50,257");
  assert.equal(shortRank(999), "999");
  assert.equal(shortRank(50257), "50k");
});

test("ticks are short and exact", () => {
  assert.equal(tickLabel(0.30000000000000004), "0.3");
  assert.equal(tickLabel(-5), "−5");
  assert.equal(tickLabel(100000), "100k");
});

test("a measure's kind and unit decide how it is written", () => {
  assert.equal(writer("sequential", "probability")(0.5), "0.500");
  assert.equal(writer("diverging", "probability")(0.5), "0.5");
  assert.equal(writer("rank", "")(7), "7");
});
