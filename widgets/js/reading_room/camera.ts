// What part of an image is on the screen: one point in the middle, and a scale.
import type { PlaneGeometry } from "./plane_geometry.ts";
import type { Point2 } from "./protocol.ts";

export interface Camera {
  /** Plane index (column, row) in the middle of the viewport. */
  centre: Point2;
  /** CSS pixels per millimetre (per image pixel where uncalibrated). */
  scale: number;
}

export interface Size {
  width: number;
  height: number;
}

/** Shows the whole image, as large as fits. */
export function fit(geometry: PlaneGeometry, size: Size): Camera {
  const { columns, rows } = geometry.info;
  const [dx, dy] = geometry.spacing;
  return {
    centre: [(columns - 1) / 2, (rows - 1) / 2],
    scale: Math.min(size.width / (columns * dx), size.height / (rows * dy)) || 1,
  };
}

export function screenFromPlane(camera: Camera, geometry: PlaneGeometry, size: Size, [column, row]: Point2): Point2 {
  const [dx, dy] = geometry.spacing;
  return [
    size.width / 2 + (column - camera.centre[0]) * dx * camera.scale,
    size.height / 2 + (row - camera.centre[1]) * dy * camera.scale,
  ];
}

export function planeFromScreen(camera: Camera, geometry: PlaneGeometry, size: Size, [x, y]: Point2): Point2 {
  const [dx, dy] = geometry.spacing;
  return [
    camera.centre[0] + (x - size.width / 2) / (dx * camera.scale),
    camera.centre[1] + (y - size.height / 2) / (dy * camera.scale),
  ];
}

/** Moves the image by screen pixels; at least its edge stays in the viewport. */
export function pan(camera: Camera, geometry: PlaneGeometry, [x, y]: Point2): Camera {
  const { columns, rows } = geometry.info;
  const [dx, dy] = geometry.spacing;
  return {
    ...camera,
    centre: [
      clamp(camera.centre[0] - x / (dx * camera.scale), -0.5, columns - 0.5),
      clamp(camera.centre[1] - y / (dy * camera.scale), -0.5, rows - 0.5),
    ],
  };
}

/** Zooms about a point of the screen that stays where it is; 1/4 to 40 times the fitted size. */
export function zoom(camera: Camera, geometry: PlaneGeometry, size: Size, factor: number, about: Point2): Camera {
  const fitted = fit(geometry, size).scale;
  const scale = clamp(camera.scale * factor, fitted / 4, fitted * 40);
  const fixed = planeFromScreen(camera, geometry, size, about);
  const moved = planeFromScreen({ ...camera, scale }, geometry, size, about);
  return { scale, centre: [camera.centre[0] + fixed[0] - moved[0], camera.centre[1] + fixed[1] - moved[1]] };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
