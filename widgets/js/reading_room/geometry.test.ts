import assert from "node:assert/strict";
import { test } from "node:test";
import { fit, pan, planeFromScreen, screenFromPlane, zoom } from "./camera.ts";
import { markAt } from "./hit_test.ts";
import { PlaneGeometry } from "./plane_geometry.ts";
import type { Mark, Point2, Point3 } from "./protocol.ts";
import { ellipseEnds, pathOf, simplified } from "./svg.ts";

// A coronal plane, 2 mm between columns, 3 mm between rows, 4 mm between slices.
const coronal = new PlaneGeometry({
  name: "coronal",
  columns: 100,
  rows: 50,
  slices: 20,
  affine_lps_mm: [
    [2, 0, 0, -100],
    [0, 0, -4, 30],
    [0, -3, 0, 75],
    [0, 0, 0, 1],
  ],
  letters: ["R", "L", "S", "I"],
});
const size = { width: 400, height: 300 };
const near = (a: readonly number[], b: readonly number[]) => a.forEach((v, n) => assert.ok(Math.abs(v - b[n]!) < 1e-9, `${a} is not ${b}`));

test("a plane index goes to the patient and back", () => {
  assert.deepEqual(coronal.spacing, [2, 3, 4]);
  near(coronal.patientFromPlane([10, 5, 2]), [-80, 22, 60]);
  near(coronal.planeFromPatient([-80, 22, 60]), [10, 5, 2]);
});

test("points belong to a slice when all of them lie in it", () => {
  const at = (slice: number): Point3 => coronal.patientFromPlane([1, 2, slice]);
  assert.equal(coronal.sliceOf([at(3), at(3.2)]), 3);
  assert.equal(coronal.sliceOf([at(3), at(4)]), undefined);
  assert.equal(coronal.sliceOf([at(-1)]), undefined);
  assert.equal(coronal.sliceOf([]), undefined);
});

test("the fitted image fills the viewport in one direction, with true proportions", () => {
  const camera = fit(coronal, size);
  near(screenFromPlane(camera, coronal, size, [-0.5, -0.5]), [0, 0]); // 200 x 150 mm in 400 x 300 px
  near(screenFromPlane(camera, coronal, size, [99.5, 49.5]), [400, 300]);
});

test("screen and plane are inverse to each other after zoom and pan", () => {
  const camera = pan(zoom(fit(coronal, size), coronal, size, 3, [50, 60]), coronal, [7, -9]);
  const place: Point2 = [123, 45];
  near(screenFromPlane(camera, coronal, size, planeFromScreen(camera, coronal, size, place)), place);
});

test("zooming keeps the place under the pointer", () => {
  const before = fit(coronal, size);
  const after = zoom(before, coronal, size, 2.5, [310, 40]);
  near(planeFromScreen(after, coronal, size, [310, 40]), planeFromScreen(before, coronal, size, [310, 40]));
});

test("zoom has an end, and the image cannot be lost by panning", () => {
  const fitted = fit(coronal, size);
  assert.equal(zoom(fitted, coronal, size, 1e6, [0, 0]).scale, fitted.scale * 40);
  near(pan(fitted, coronal, [1e6, -1e6]).centre, [-0.5, 49.5]);
});

test("simplifying keeps corners and drops what lies on a line", () => {
  const square: Point2[] = [];
  for (const [x, y, dx, dy] of [[0, 0, 1, 0], [10, 0, 0, 1], [10, 10, -1, 0]] as const) for (let n = 0; n < 10; n++) square.push([x + n * dx, y + n * dy]);
  assert.deepEqual(simplified(square, 0.1), [[0, 0], [10, 0], [10, 10], [1, 10]]);
});

test("an ellipse has its longer axis first, as in DICOM", () => {
  assert.deepEqual(ellipseEnds([10, 10], [15, 12]), [[5, 10], [15, 10], [10, 8], [10, 12]]);
  assert.deepEqual(ellipseEnds([10, 10], [12, 15]), [[10, 5], [10, 15], [8, 10], [12, 10]]);
});

test("a region is a closed path, a length an open one", () => {
  assert.match(pathOf("region", [[0, 0], [1, 0], [1, 1]]), /Z$/);
  assert.doesNotMatch(pathOf("length", [[0, 0], [1, 0]]), /Z/);
  assert.equal(pathOf("arrow", [[3, 3]]), "");
});

test("a click on the line of a mark finds it, a click inside or far away does not", () => {
  const mark = (kind: Mark["kind"], points: Point2[]): Mark => ({
    uid: kind, kind, points_lps_mm: points.map(([x, y]) => [x, y, 0]), label: "", text: "", slice_uid: null, lines: [],
  });
  const marks = [mark("region", [[0, 0], [100, 0], [100, 100], [0, 100]]), mark("ellipse", [[200, 50], [300, 50], [250, 20], [250, 80]])];
  const find = (x: number, y: number) => markAt(marks, ([px, py]) => [px, py], [x, y])?.uid;
  assert.equal(find(2, 50), "region"); // the closing side
  assert.equal(find(50, 50), undefined);
  assert.equal(find(250, 82), "ellipse");
  assert.equal(find(285.4, 71.2), "ellipse");
  assert.equal(find(250, 50), undefined);
});
