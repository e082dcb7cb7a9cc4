import assert from "node:assert/strict";
import { test } from "node:test";
import { autoRange, dragged, paintColour, paintGrey, rangeOf, windowOf } from "./window_level.ts";

const greys = (values: number[], range: { lower: number; upper: number }, inverted = false) => {
  const rgba = new Uint32Array(values.length);
  paintGrey(Int16Array.from(values), range, inverted, rgba);
  return [...rgba].map((word) => word & 0xff);
};

test("a window follows the LINEAR function of DICOM", () => {
  // PS3.3 C.11.2.1.2.1: black at c - 0.5 - (w - 1) / 2, white at c - 0.5 + (w - 1) / 2
  assert.deepEqual(rangeOf({ center: 40, width: 400 }), { lower: -160, upper: 239 });
  assert.deepEqual(greys([-1000, -160, 239, 3000], rangeOf({ center: 40, width: 400 })), [0, 0, 255, 255]);
});

test("a window and its range say the same", () => {
  for (const window of [{ center: 40, width: 400 }, { center: 0.4, width: 0.8 }, { center: -600, width: 1500 }]) {
    const back = windowOf(rangeOf(window));
    assert.ok(Math.abs(back.center - window.center) < 1e-9 && Math.abs(back.width - window.width) < 1e-9);
  }
});

test("MONOCHROME1 shows low values bright", () => {
  assert.deepEqual(greys([0, 255], { lower: 0, upper: 255 }, true), [255, 0]);
});

test("every painted pixel is opaque", () => {
  const rgba = new Uint32Array(2);
  paintGrey(Uint8Array.of(0, 255), { lower: 0, upper: 255 }, false, rgba);
  assert.deepEqual([...rgba].map((word) => word >>> 24), [255, 255]);
});

test("a drag to the right widens, a drag down raises the centre, and a window never closes", () => {
  const start = { lower: 0, upper: 100 };
  assert.deepEqual(dragged(start, 0.1, 0, 1000), { lower: -50, upper: 150 });
  assert.deepEqual(dragged(start, 0, 0.1, 1000), { lower: 100, upper: 200 });
  const narrow = dragged(start, -10, 0, 1000);
  assert.ok(narrow.upper > narrow.lower);
});

test("auto leaves out the background and the few extremes", () => {
  const pixels = new Int16Array(20_000).fill(-1000);
  for (let n = 0; n < 10_000; n++) pixels[n] = n % 100;
  pixels[5] = 30_000; // a marker
  const { lower, upper } = autoRange(pixels);
  assert.ok(lower >= 0 && lower <= 1 && upper >= 98 && upper <= 99, `${lower} to ${upper}`);
});

test("auto copes with an empty image", () => {
  const { lower, upper } = autoRange(new Uint8Array(100));
  assert.ok(upper > lower);
});

test("colours are painted as they are, opaque, red in the lowest byte", () => {
  const rgba = new Uint32Array(2);
  paintColour(Uint8Array.of(255, 1, 2, 0, 0, 128), rgba);
  assert.deepEqual([...rgba], [0xff0201ff, 0xff800000]);
});
