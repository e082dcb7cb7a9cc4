// Small helpers to draw marks as SVG: used where Cornerstone does not draw them itself.
import type { Kind, Point2 } from "./protocol.ts";

const SVG = "http://www.w3.org/2000/svg";

export function svgElement(name: string, attributes: Record<string, string | number> = {}): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

/** SVG path of a shape, from its points on the screen. */
export function pathOf(kind: Kind, points: readonly Point2[]): string {
  if (kind === "point" && points[0]) return dot(points[0]);
  if (points.length < 2) return "";
  if (kind === "ellipse" && points.length === 4) return ellipsePath(points as [Point2, Point2, Point2, Point2]);
  const line = `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}`;
  if (kind === "region") return `${line}Z`;
  return kind === "arrow" ? line + arrowHead(points[0]!, points[1]!) : line;
}

function ellipsePath([a, b, c, d]: [Point2, Point2, Point2, Point2]): string {
  const rx = Math.hypot(a[0] - b[0], a[1] - b[1]) / 2;
  const ry = Math.hypot(c[0] - d[0], c[1] - d[1]) / 2;
  const turn = (Math.atan2(b[1] - a[1], b[0] - a[0]) * 180) / Math.PI;
  const arc = (to: Point2) => `A${rx} ${ry} ${turn} 0 1 ${to[0]} ${to[1]}`;
  return `M${a[0]} ${a[1]}${arc(b)}${arc(a)}Z`;
}

/** A small ring around the place, which itself stays visible. */
function dot([x, y]: Point2): string {
  return `M${(x - 5).toFixed(1)} ${y.toFixed(1)}a5 5 0 1 0 10 0a5 5 0 1 0 -10 0Z`;
}

function arrowHead(tip: Point2, tail: Point2): string {
  const angle = Math.atan2(tail[1] - tip[1], tail[0] - tip[0]);
  const end = (turn: number) => `${(tip[0] + 11 * Math.cos(angle + turn)).toFixed(1)} ${(tip[1] + 11 * Math.sin(angle + turn)).toFixed(1)}`;
  return `M${end(0.45)}L${tip[0].toFixed(1)} ${tip[1].toFixed(1)}L${end(-0.45)}`;
}

/** The four ends of an ellipse drawn from its middle to a corner: major axis first, as DICOM has it. */
export function ellipseEnds([cx, cy]: Point2, [x, y]: Point2): Point2[] {
  const [rx, ry] = [Math.abs(x - cx), Math.abs(y - cy)];
  const across: Point2[] = [[cx - rx, cy], [cx + rx, cy]];
  const along: Point2[] = [[cx, cy - ry], [cx, cy + ry]];
  return rx >= ry ? [...across, ...along] : [...along, ...across];
}

/** Leaves out points that lie within `tolerance` of the line through their neighbours (Douglas-Peucker). */
export function simplified<P extends readonly number[]>(points: readonly P[], tolerance: number): P[] {
  if (points.length < 3) return [...points];
  const keep = new Set([0, points.length - 1]);
  const open: [number, number][] = [[0, points.length - 1]];
  for (let span = open.pop(); span; span = open.pop()) {
    const [from, to] = span;
    let farthest = 0, at = -1;
    for (let n = from + 1; n < to; n++) {
      const distance = distanceToSegment(points[n]!, points[from]!, points[to]!);
      if (distance > farthest) [farthest, at] = [distance, n];
    }
    if (at >= 0 && farthest > tolerance) {
      keep.add(at);
      open.push([from, at], [at, to]);
    }
  }
  return points.filter((_, n) => keep.has(n));
}

/** Distance of a point to the segment from a to b, in any number of dimensions. */
export function distanceToSegment(p: readonly number[], a: readonly number[], b: readonly number[]): number {
  let along = 0, length = 0;
  for (let n = 0; n < p.length; n++) {
    along += (p[n]! - a[n]!) * (b[n]! - a[n]!);
    length += (b[n]! - a[n]!) ** 2;
  }
  const t = length > 0 ? Math.min(1, Math.max(0, along / length)) : 0;
  return Math.hypot(...p.map((v, n) => v - (a[n]! + t * (b[n]! - a[n]!))));
}
