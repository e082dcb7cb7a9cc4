// @ts-ignore Node's own types are not installed: the widgets run in a browser.
import assert from "node:assert/strict";
// @ts-ignore
import test from "node:test";
import { fade, hide, History, isolate, same, show, type Dissection } from "./dissection.ts";

const all = ["skin", "muscle", "bone"];
const whole: Dissection = { hidden: [], opacities: {} };

test("hiding twice is hiding once, showing brings back", () => {
  const once = hide(whole, ["skin"]);
  assert.deepEqual(hide(once, ["skin", "bone"]).hidden, ["skin", "bone"]);
  assert.deepEqual(show(once, ["skin"]).hidden, []);
  assert.deepEqual(whole.hidden, [], "the value that was given is not changed");
});

test("isolating hides the others and makes the one that stays solid", () => {
  const faded = fade(whole, "bone", 0.2);
  assert.deepEqual(isolate(faded, "bone", all), { hidden: ["skin", "muscle"], opacities: {} });
});

test("only opacities below one are kept", () => {
  const faded = fade(whole, "skin", 0.3);
  assert.deepEqual(faded.opacities, { skin: 0.3 });
  assert.deepEqual(fade(faded, "skin", 1).opacities, {});
});

test("two dissections are the same whatever the order of hiding", () => {
  assert.ok(same({ hidden: ["skin", "bone"], opacities: { muscle: 0.5 } }, { hidden: ["bone", "skin"], opacities: { muscle: 0.5 } }));
  assert.ok(!same(whole, hide(whole, ["skin"])));
  assert.ok(!same(whole, fade(whole, "skin", 0.5)));
});

test("undo goes back step by step", () => {
  const history = new History();
  history.record(whole);
  const noSkin = hide(whole, ["skin"]);
  history.record(noSkin);
  assert.equal(history.undo(), noSkin);
  assert.equal(history.undo(), whole);
  assert.equal(history.undo(), undefined);
  assert.ok(!history.canUndo);
});

test("one pull at a slider is one step, the next pull is another", () => {
  const history = new History();
  history.record(whole, "opacity of skin");
  history.record(fade(whole, "skin", 0.8), "opacity of skin");
  history.record(fade(whole, "skin", 0.6), "opacity of skin");
  history.settle();
  const released = fade(whole, "skin", 0.5);
  history.record(released, "opacity of skin");
  assert.equal(history.undo(), released);
  assert.equal(history.undo(), whole);
});

test("the oldest steps are forgotten", () => {
  const history = new History(2);
  for (const name of all) history.record(hide(whole, [name]));
  history.undo();
  assert.deepEqual(history.undo()?.hidden, ["muscle"]);
  assert.equal(history.undo(), undefined);
});
