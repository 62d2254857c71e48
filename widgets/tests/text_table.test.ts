import assert from "node:assert/strict";
import { test } from "node:test";
import { toCsv, toTsv } from "../src/kit/text_table";

test("tab-separated rows stay rows", () => {
  assert.equal(toTsv([["a\tb", 1.5], ["line\nend", NaN]]), "a\\tb\t1.5\nline\\nend\t");
});

test("comma-separated values are quoted where they must be", () => {
  const rows = [["token", "p"], [" a,\"b\"\n", 0.5], [",", NaN], [" x", 1]];
  assert.equal(toCsv(rows), 'token,p\r\n" a,""b""\n",0.5\r\n",",\r\n" x",1\r\n');
});
