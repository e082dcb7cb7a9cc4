// Where a plane lies in the patient: index <-> LPS millimetres, and what that means on screen.
import type { PlaneInfo, Point2, Point3 } from "./protocol.ts";

/** Indices are (column, row, slice) at pixel centres; world is patient LPS in millimetres. */
export class PlaneGeometry {
  readonly info: PlaneInfo;
  /** Distance of neighbouring columns, rows, slices in mm (1 where uncalibrated). */
  readonly spacing: Point3;
  /** Unit vectors along columns, rows and slices. */
  readonly directions: [Point3, Point3, Point3];
  private readonly inverse: number[][];

  constructor(info: PlaneInfo) {
    this.info = info;
    const axis = (n: number): Point3 => [info.affine_lps_mm[0]![n]!, info.affine_lps_mm[1]![n]!, info.affine_lps_mm[2]![n]!];
    const axes = [axis(0), axis(1), axis(2)] as const;
    this.spacing = axes.map((a) => Math.hypot(...a)) as Point3;
    this.directions = axes.map((a, n) => a.map((v) => v / this.spacing[n]!)) as [Point3, Point3, Point3];
    this.inverse = inverse3(info.affine_lps_mm);
  }

  patientFromPlane(index: Point3): Point3 {
    return this.info.affine_lps_mm.slice(0, 3).map((row) => row[0]! * index[0] + row[1]! * index[1] + row[2]! * index[2] + row[3]!) as Point3;
  }

  planeFromPatient(point: Point3): Point3 {
    const d = point.map((v, n) => v - this.info.affine_lps_mm[n]![3]!);
    return this.inverse.map((row) => row[0]! * d[0]! + row[1]! * d[1]! + row[2]! * d[2]!) as Point3;
  }

  /** The slice in which all points lie (within half a slice), if there is one. */
  sliceOf(points: readonly Point3[]): number | undefined {
    const depths = points.map((point) => this.planeFromPatient(point)[2]);
    const slice = Math.round(depths[0] ?? Number.NaN);
    return slice >= 0 && slice < this.info.slices && depths.every((depth) => Math.abs(depth - slice) <= 0.51) ? slice : undefined;
  }

  /** Is a plane index (column, row) on the image? */
  contains([column, row]: Point2): boolean {
    return column >= -0.5 && row >= -0.5 && column < this.info.columns - 0.5 && row < this.info.rows - 0.5;
  }
}

function inverse3(m: number[][]): number[][] {
  const [a, b, c] = m[0] as [number, number, number];
  const [d, e, f] = m[1] as [number, number, number];
  const [g, h, i] = m[2] as [number, number, number];
  const determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  return [
    [e * i - f * h, c * h - b * i, b * f - c * e],
    [f * g - d * i, a * i - c * g, c * d - a * f],
    [d * h - e * g, b * g - a * h, a * e - b * d],
  ].map((row) => row.map((v) => v / determinant));
}
