// @ts-ignore Node's own types are not installed: the widgets run in a browser.
import assert from "node:assert/strict";
// @ts-ignore
import test from "node:test";
import { boxAround, edgeLetters, fittingDistance, TOWARDS_CAMERA, SIDES, type Vector } from "./directions.ts";
import { found, type Scene } from "./scene.ts";

test("the letters at the edge are those of LPS", () => {
  assert.equal(edgeLetters([1, 0, 0]), "L");
  assert.equal(edgeLetters([-1, 0, 0]), "R");
  assert.equal(edgeLetters([0, 1, 0]), "P");
  assert.equal(edgeLetters([0, -3, 0]), "A");
  assert.equal(edgeLetters([0, 0, 1]), "S");
  assert.equal(edgeLetters([0, 0, -1]), "I");
});

test("an oblique edge gets its two strongest letters, the stronger first", () => {
  assert.equal(edgeLetters([0.8, -0.6, 0]), "LA");
  assert.equal(edgeLetters([0, 0.5, -0.86]), "IP");
  assert.equal(edgeLetters([0.1, 0.99, 0.1]), "P", "a hair off an axis is that axis");
});

test("the left view is taken from the patient's left, and so on", () => {
  const letters = Object.fromEntries(SIDES.map((side) => [side, edgeLetters(TOWARDS_CAMERA[side])]));
  assert.deepEqual(letters, { left: "L", right: "R", anterior: "A", posterior: "P", superior: "S", inferior: "I" });
});

const box = { low: [-70, -105, -50] as Vector, high: [70, 75, 80] as Vector };
const fromLeft = { towards: [1, 0, 0] as Vector, across: [0, 1, 0] as Vector, up: [0, 0, 1] as Vector };

test("a camera at the fitting distance sees every corner, and one of them at the rim", () => {
  for (const aspect of [0.5, 1, 1.6, 3]) {
    const distance = fittingDistance(box, fromLeft, 30, aspect);
    const slope = Math.tan((15 * Math.PI) / 180);
    let widest = 0;
    for (const x of [-70, 70])
      for (const y of [-90, 90])
        for (const z of [-65, 65])
          widest = Math.max(widest, Math.abs(y) / ((distance - x) * slope * aspect), Math.abs(z) / ((distance - x) * slope));
    assert.ok(Math.abs(widest - 1) < 1e-9, `aspect ${aspect}: ${widest}`);
  }
});

test("a narrower picture needs more distance", () => {
  assert.ok(fittingDistance(box, fromLeft, 30, 0.5) > fittingDistance(box, fromLeft, 30, 2));
});

test("the box around boxes", () => {
  assert.equal(boxAround([]), undefined);
  const small = { low: [-90, 0, 0] as Vector, high: [0, 10, 10] as Vector };
  assert.deepEqual(boxAround([box, small]), { low: [-90, -105, -50], high: [70, 75, 80] });
});

test("a search finds English and Latin, in any order, whatever the dash or case", () => {
  const structure = (name: string, latin: string) => ({ name, latin, ontology: [], id: name }) as never;
  const scene = {
    structures: [structure("Left grey–white boundary", ""), structure("Right cerebral cortex", "Cortex cerebri")],
  } as unknown as Scene;
  const names = (query: string) => found(scene, query).map(({ name }) => name);
  assert.deepEqual(names("white GREY left"), ["Left grey–white boundary"]);
  assert.deepEqual(names("cerebri"), ["Right cerebral cortex"]);
  assert.equal(names("  ").length, 2);
  assert.deepEqual(names("femur"), []);
});
