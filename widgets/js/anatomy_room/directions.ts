/** Where the camera stands, in words and in LPS: +x the patient's left, +y posterior, +z superior. */

export type Side = "anterior" | "posterior" | "left" | "right" | "superior" | "inferior";
export type Vector = readonly [number, number, number];

export const SIDES: readonly Side[] = ["left", "right", "anterior", "posterior", "superior", "inferior"];

// From above and below the camera stands a hair off the axis: "up" is +z, and leaning towards
// posterior (above) or anterior (below) is what puts anterior at the top of the picture.
const HAIR = 1e-4;

/** From the middle of the scene towards the camera. */
export const TOWARDS_CAMERA: Readonly<Record<Side, Vector>> = {
  anterior: [0, -1, 0],
  posterior: [0, 1, 0],
  left: [1, 0, 0],
  right: [-1, 0, 0],
  superior: [0, HAIR, 1],
  inferior: [0, -HAIR, -1],
};

const LETTERS: readonly (readonly [string, string])[] = [
  ["L", "R"],
  ["P", "A"],
  ["S", "I"],
];
// A direction within about 22° of an axis gets one letter; otherwise it gets its two strongest.
const SECOND_LETTER_FROM = 0.38;

/** The letters that radiologists put at the edge of a picture, for an LPS direction: "A", or "AS" when oblique. */
export function edgeLetters(direction: Vector): string {
  const length = Math.hypot(...direction) || 1;
  return direction
    .map((component, axis) => ({ part: component / length, letters: LETTERS[axis]! }))
    .sort((a, b) => Math.abs(b.part) - Math.abs(a.part))
    .filter(({ part }, rank) => rank === 0 || (rank === 1 && Math.abs(part) >= SECOND_LETTER_FROM))
    .map(({ part, letters }) => letters[part >= 0 ? 0 : 1])
    .join("");
}

/** A box with its faces along the axes, LPS millimetres. */
export interface Box {
  low: Vector;
  high: Vector;
}

/** The smallest box around some boxes; undefined for none. */
export function boxAround(boxes: readonly Box[]): Box | undefined {
  const [first, ...others] = boxes;
  if (!first) return undefined;
  const pick = (choose: (...values: number[]) => number, end: "low" | "high"): Vector => {
    const along = (axis: 0 | 1 | 2) => choose(first[end][axis], ...others.map((box) => box[end][axis]));
    return [along(0), along(1), along(2)];
  };
  return { low: pick(Math.min, "low"), high: pick(Math.max, "high") };
}

/**
 * How far from the middle of a box a camera must stand to see all of it.
 *
 * `towards` points from the box to the camera, `across` and `up` along the picture; all three are
 * unit vectors at right angles.  `fov_deg` is the vertical angle of view, `aspect` width by height.
 */
export function fittingDistance(
  { low, high }: Box,
  view: { towards: Vector; across: Vector; up: Vector },
  fov_deg: number,
  aspect: number,
): number {
  const slopeUp = Math.tan((fov_deg * Math.PI) / 360);
  const slopeAcross = slopeUp * aspect;
  let distance = 0;
  for (let corner = 0; corner < 8; corner++) {
    const from = [0, 1, 2].map((axis) => (((corner >> axis) & 1 ? 1 : -1) * (high[axis]! - low[axis]!)) / 2);
    const along = (direction: Vector) => from.reduce((sum, part, axis) => sum + part * direction[axis]!, 0);
    const needed = Math.max(Math.abs(along(view.across)) / slopeAcross, Math.abs(along(view.up)) / slopeUp);
    distance = Math.max(distance, along(view.towards) + needed);
  }
  return distance;
}
