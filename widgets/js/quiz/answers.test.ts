// @ts-ignore Node's own types are not installed: the widgets run in a browser.
import assert from "node:assert/strict";
// @ts-ignore
import test from "node:test";
import { sameValue, withAnswer, withTick } from "./answers.ts";

test("leaving an item blank takes it out of the record", () => {
  const answers = { zone: ["metaphysis"], size: 12 };
  assert.deepEqual(withAnswer(answers, "zone", null), { size: 12 });
  assert.deepEqual(withAnswer(answers, "zone", []), { size: 12 });
  assert.deepEqual(answers, { zone: ["metaphysis"], size: 12 }, "the old record is left alone");
});

test("zero is an answer", () => {
  assert.deepEqual(withAnswer({}, "size", 0), { size: 0 });
});

test("ticks are kept in the order in which options are shown", () => {
  const shown = ["a", "b", "c"];
  assert.deepEqual(withTick(["c"], "a", true, shown), ["a", "c"]);
  assert.deepEqual(withTick(["a", "c"], "a", false, shown), ["c"]);
});

test("values are compared by what they hold, not by the order of keys", () => {
  assert.ok(sameValue({ a: 1, b: ["x"] }, { b: ["x"], a: 1 }));
  assert.ok(!sameValue({ a: 1 }, { a: 1, b: undefined }));
  assert.ok(!sameValue(["x", "y"], ["y", "x"]));
  assert.ok(!sameValue([], {}));
  assert.ok(!sameValue(null, {}));
});
