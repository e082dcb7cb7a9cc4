// What the kernel and the browser say to each other (the other half is reading_room.py).

export type Point2 = [number, number];
export type Point3 = [number, number, number];

export type Kind = "length" | "angle" | "ellipse" | "region" | "arrow";

/** A stack of images through the volume; indices are (column, row, slice), zero-based. */
export interface PlaneInfo {
  name: string;
  columns: number;
  rows: number;
  slices: number;
  /** Rows of the 4 x 4 matrix: plane index -> patient LPS, millimetres. */
  affine_lps_mm: number[][];
  /** Where the left, right, top and bottom edges point in the patient; empty if unknown. */
  letters: string[];
}

export type PixelType = "uint8" | "int16" | "uint16" | "float32";

/** Describes one image; its compressed pixels come beside it as a buffer. */
export interface ImageInfo {
  plane: string;
  index: number;
  rows: number;
  columns: number;
  type: PixelType;
  /** For a small 8-bit grey preview: how many source pixels each of its pixels stands for. */
  preview?: number;
  error?: string;
}

export interface Mark {
  uid: string;
  kind: Kind;
  points_lps_mm: Point3[];
  label: string;
  text: string;
  slice_uid: string | null;
  /** Measurements as text, from the kernel. */
  lines: string[];
}

/** A finished stroke on its way to the kernel. */
export interface Stroke {
  uid: string;
  kind: Kind;
  points_lps_mm: Point3[];
  label: string;
  text: string;
  plane: string;
  index: number;
}

export interface WindowPreset {
  name: string;
  center: number;
  width: number;
}

export interface Drawn {
  annotations: Mark[];
  can_undo: boolean;
  can_redo: boolean;
}

export type SaveState =
  | { state: "idle" | "loaded" | "saving" }
  | { state: "saved"; at: string }
  | { state: "failed"; message: string };

export interface Room extends Drawn {
  case: Record<"id" | "title" | "modality" | "view" | "history" | "attribution" | "licence", string>;
  prompt: string;
  tools: Kind[];
  labels: string[];
  planes: PlaneInfo[];
  windows: WindowPreset[];
  inverted: boolean;
  calibrated: boolean;
  unit: string;
  kept: "task" | "practice" | "self-study";
  save: SaveState;
  first: ImageInfo[];
}

/** Makes a DICOM UID from a random UUID (PS3.5 B.2). */
export function newUid(): string {
  // crypto.randomUUID exists only on https and localhost; a class server may be plain http.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return `2.25.${bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)}`;
}
