// Which mark is under the pointer.
import type { Mark, Point2, Point3 } from "./protocol.ts";
import { distanceToSegment } from "./svg.ts";

/** How close to the line of a mark counts as on it, in CSS pixels. */
const NEAR_PX = 8;

/** The mark whose line passes closest to a place on the screen, if any is near. */
export function markAt(marks: readonly Mark[], onScreen: (point: Point3) => Point2, place: Point2): Mark | undefined {
  let best: Mark | undefined;
  let nearest = NEAR_PX;
  for (const mark of marks) {
    const line = outline(mark, onScreen);
    for (let n = 1; n < line.length; n++) {
      const distance = distanceToSegment(place, line[n - 1]!, line[n]!);
      if (distance < nearest) [nearest, best] = [distance, mark];
    }
  }
  return best;
}

/** The line of a mark as a chain of points on the screen. */
function outline(mark: Mark, onScreen: (point: Point3) => Point2): Point2[] {
  const points = mark.points_lps_mm.map(onScreen);
  if (mark.kind === "point") return [points[0]!, points[0]!];
  if (mark.kind === "region") return [...points, points[0]!];
  if (mark.kind !== "ellipse") return points;
  const [a, b, c, d] = points as [Point2, Point2, Point2, Point2];
  return Array.from({ length: 49 }, (_, n) => {
    const [cos, sin] = [Math.cos((n / 24) * Math.PI) / 2, Math.sin((n / 24) * Math.PI) / 2];
    return [0, 1].map((axis) => (a[axis]! + b[axis]!) / 2 + (b[axis]! - a[axis]!) * cos + (d[axis]! - c[axis]!) * sin) as Point2;
  });
}
