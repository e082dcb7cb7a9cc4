// @ts-ignore Node's own types are not installed: the widgets run in a browser.
import assert from "node:assert/strict";
// @ts-ignore
import test from "node:test";
import { decodeMesh, unpackMesh } from "./mesh_decoder.ts";
import type { MeshHeader } from "./scene.ts";

// One triangle with corners (0, 0, 0), (2, 0, 0), (0, 1, 0) steps of 0.5 mm, from (10, 20, 30),
// packed by hand: low and high byte planes of zigzag differences, then codes, then shade.
const header: MeshHeader = {
  points: 3,
  triangles: 1,
  origin_lps_mm: [10, 20, 30],
  size_mm: [1, 0.5, 0],
  step_mm: 0.5,
  shaded: true,
};
const x = [0, 4, 3, 0, 0, 0]; // 0, +2, -2
const y = [0, 0, 2, 0, 0, 0]; // 0, 0, +1
const z = [0, 0, 0, 0, 0, 0];
const newPoints = Array(12).fill(0);
const shade = [250, 10, 251]; // 250, 260 - 256 = 4, 255
const raw = new Uint8Array([...x, ...y, ...z, ...newPoints, ...shade]);

test("positions are the origin plus steps, differences may be negative", () => {
  assert.deepEqual([...unpackMesh(header, raw).positions], [10, 20, 30, 11, 20, 30, 10, 20.5, 30]);
});

test("a code of nought is the next new point, others count back from it", () => {
  assert.deepEqual([...unpackMesh(header, raw).indices], [0, 1, 2]);
  const two: MeshHeader = { ...header, triangles: 2, shaded: false };
  const codes = [0, 0, 0, 3, 1, 2]; // 0 1 2, then 3 - 3, 3 - 1, 3 - 2
  const planes = [...codes, ...Array(18).fill(0)];
  assert.deepEqual([...unpackMesh(two, new Uint8Array([...x, ...y, ...z, ...planes])).indices], [0, 1, 2, 0, 2, 1]);
});

test("codes use all four byte planes", () => {
  const far: MeshHeader = { ...header, shaded: false };
  const corners = [0, 0, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  assert.deepEqual([...unpackMesh(far, new Uint8Array([...x, ...y, ...z, ...corners])).indices], [0, 1, 1]);
});

test("shade differences wrap at 256", () => {
  assert.deepEqual([...unpackMesh(header, raw).shade!], [250, 4, 255]);
});

test("differences of positions wrap at 65536", () => {
  const wide: MeshHeader = { ...header, step_mm: 1, origin_lps_mm: [0, 0, 0], shaded: false };
  // 65535 lies one below nought: zigzag(-1) = 1; and back up: zigzag(+1) = 2.
  const wrapped = [1, 2, 0, 0, 0, 0];
  const { positions } = unpackMesh(wide, new Uint8Array([...wrapped, ...y, ...z, ...newPoints]));
  assert.deepEqual([positions[0], positions[3]], [65535, 0]);
});

test("bytes of the wrong length are refused", () => {
  assert.throws(() => unpackMesh(header, raw.subarray(1)), /32 bytes in place of 33/);
});

test("what comes over the wire is deflated", async () => {
  const packed = new Blob([raw]).stream().pipeThrough(new CompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(packed).arrayBuffer());
  assert.deepEqual([...(await decodeMesh(header, bytes)).indices], [0, 1, 2]);
  await assert.rejects(decodeMesh(header, bytes.subarray(0, 5)));
});
