// What a painter of images must offer; there are two: canvas_view.ts and cornerstone_view.ts.
import type { Camera, Size } from "./camera.ts";
import type { PlaneGeometry } from "./plane_geometry.ts";
import type { Kind, Mark, Point3 } from "./protocol.ts";
import type { Picture } from "./slice_client.ts";
import type { Range } from "./window_level.ts";

export interface Look {
  camera: Camera;
  range: Range;
  inverted: boolean;
}

/** A shape that has just been finished or changed by hand. */
export interface Shape {
  /** Undefined for a new one. */
  uid: string | undefined;
  kind: Kind;
  points_lps_mm: Point3[];
}

export interface ViewEvents {
  /** A shape is finished (new) or was changed (with its uid). */
  shape(shape: Shape): void;
  /** A stroke was too small to mean anything. */
  tooSmall(kind: Kind): void;
}

export interface View {
  readonly painter: "canvas" | "webgl";
  /** Shows an image of the plane. */
  picture(picture: Picture): Promise<void> | void;
  look(look: Look): void;
  /** Shows exactly these marks; they all lie in the image shown. */
  marks(marks: readonly Mark[], selected: string | undefined): void;
  /** Lets the main mouse button draw, or not. */
  draw(kind: Kind | undefined): void;
  /** Gives up a stroke under way. */
  cancel(): void;
  /** Is a stroke under way? */
  readonly busy: boolean;
  resize(size: Size): void;
  dispose(): void;
}

/** What the engine needs of its surroundings. */
export interface ViewSetting {
  host: HTMLElement;
  geometry: PlaneGeometry;
  modality: string;
  colour: boolean;
  unit: "mm" | "px";
  events: ViewEvents;
  fetch(index: number): Promise<Picture>;
}

/** A shape smaller than this on the screen is a slip of the hand. */
export const SMALLEST_SHAPE_PX = 4;
