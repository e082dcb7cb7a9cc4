// @ts-ignore Node's own types are not installed: the widgets run in a browser.
import assert from "node:assert/strict";
// @ts-ignore
import test from "node:test";
import { PATIENCE_MS, standingOf } from "./standing.ts";

const saved = { values: { zone: ["a"] }, text: "Saved", tone: "good" };

test("'Saved' is said only of exactly what the kernel reported", () => {
  assert.equal(standingOf({ zone: ["a"] }, saved, 0).text, "Saved");
  assert.equal(standingOf({ zone: ["b"] }, saved, 0).text, "Saving…");
});

test("a kernel that stays silent is not passed over in silence", () => {
  const standing = standingOf({ zone: ["b"] }, saved, PATIENCE_MS);
  assert.equal(standing.tone, "problem");
  assert.match(standing.text, /Not saved yet/);
});

test("a problem that the kernel names is shown at once", () => {
  const full = { values: {}, text: "Not saved: the disk is full.", tone: "problem" };
  assert.deepEqual(standingOf({ zone: ["b"] }, full, 0), { text: full.text, tone: "problem" });
});
