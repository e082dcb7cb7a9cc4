/** Unpacks a mesh; the layout is described in clerkship_widgets/meshes/wire.py. */
import type { MeshHeader } from "./scene.ts";

export interface DecodedMesh {
  /** x, y, z of each point, LPS millimetres. */
  positions: Float32Array<ArrayBuffer>;
  /** Three points a triangle, counter-clockwise from outside. */
  indices: Uint32Array<ArrayBuffer>;
  /** 0 in a groove to 255 on a crest, or null. */
  shade: Uint8Array<ArrayBuffer> | null;
}

/** Inflates and unpacks; throws if the bytes are not what the header says. */
export async function decodeMesh(header: MeshHeader, payload: BufferSource): Promise<DecodedMesh> {
  const inflated = new Blob([payload as BlobPart]).stream().pipeThrough(new DecompressionStream("deflate"));
  return unpackMesh(header, new Uint8Array(await new Response(inflated).arrayBuffer()));
}

export function unpackMesh(header: MeshHeader, raw: Uint8Array): DecodedMesh {
  const { points, triangles, shaded } = header;
  const corners = 3 * triangles;
  const expected = 6 * points + 4 * corners + (shaded ? points : 0);
  if (raw.length !== expected) throw new Error(`a mesh came as ${raw.length} bytes in place of ${expected}`);
  return {
    positions: unpackPositions(header, raw),
    indices: unpackIndices(raw.subarray(6 * points, 6 * points + 4 * corners), corners),
    shade: shaded ? runningSum(raw.subarray(raw.length - points)) : null,
  };
}

function unpackPositions({ points, origin_lps_mm, step_mm }: MeshHeader, raw: Uint8Array): Float32Array<ArrayBuffer> {
  const positions = new Float32Array(3 * points);
  for (let axis = 0; axis < 3; axis++) {
    const low = 2 * points * axis;
    const high = low + points;
    let lattice = 0;
    for (let i = 0; i < points; i++) {
      const zigzag = raw[low + i]! | (raw[high + i]! << 8);
      lattice = (lattice + ((zigzag >> 1) ^ -(zigzag & 1))) & 0xffff; // differences are modulo 2^16
      positions[3 * i + axis] = origin_lps_mm[axis]! + lattice * step_mm;
    }
  }
  return positions;
}

function unpackIndices(planes: Uint8Array, corners: number): Uint32Array<ArrayBuffer> {
  const indices = new Uint32Array(corners);
  let nextUnused = 0;
  for (let i = 0; i < corners; i++) {
    const code =
      planes[i]! | (planes[corners + i]! << 8) | (planes[2 * corners + i]! << 16) | (planes[3 * corners + i]! << 24);
    indices[i] = nextUnused - code;
    if (code === 0) nextUnused++;
  }
  return indices;
}

function runningSum(differences: Uint8Array): Uint8Array<ArrayBuffer> {
  const values = new Uint8Array(differences.length);
  let value = 0;
  for (let i = 0; i < differences.length; i++) values[i] = value = (value + differences[i]!) & 0xff;
  return values;
}
