import assert from "node:assert/strict";
import { test } from "node:test";
import { outlines } from "./outline.ts";

/** Outlines of a picture in letters: # is inside. */
function of(...rows: string[]) {
  return outlines((column, row) => rows[row]![column] === "#", rows[0]!.length, rows.length);
}

/** Area inside closed lines; holes count against it (shoelace). */
function area(lines: [number, number][][]): number {
  return lines.reduce((sum, line) => sum + line.reduce((part, [x, y], n) => part + x * line[(n + 1) % line.length]![1] - line[(n + 1) % line.length]![0] * y, 0) / 2, 0);
}

test("a single pixel is a square around its centre", () => {
  assert.deepEqual(of("...", ".#.", "..."), [[[0.5, 0.5], [1.5, 0.5], [1.5, 1.5], [0.5, 1.5]]]);
});

test("straight runs have no corners in between", () => {
  assert.equal(of("####", "####")[0]!.length, 4);
});

test("the outlines hold exactly the pixels, with holes and parts", () => {
  const ring = of("#####", "#...#", "#.#.#", "#...#", "#####");
  assert.equal(ring.length, 3);
  assert.equal(area(ring), 17);
});

test("pixels that touch at a corner only are lines of their own", () => {
  const lines = of("#.", ".#");
  assert.equal(lines.length, 2);
  assert.equal(area(lines), 2);
});

test("nothing inside, no line", () => assert.deepEqual(of("..", ".."), []));
