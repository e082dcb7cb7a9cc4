// What the kernel and the browser say to each other (the other half is reading_room.py).

export type Point2 = [number, number];
export type Point3 = [number, number, number];

export type Kind = "length" | "angle" | "ellipse" | "region" | "arrow" | "point";

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
  /** 3: red, green, blue of one pixel after another; absent or 1: one value a pixel. */
  samples?: 1 | 3;
  /** For a small 8-bit preview, ready to be shown: how many source pixels each of its pixels stands for. */
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
  /** Which frame of that image, counted from 1, where it has several. */
  frame_number?: number;
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

/** A moving picture: how long a frame lasts, and whether the file says so. */
export interface CineInfo {
  frame_ms: number;
  said: boolean;
}

/** A finding of the key as its readers drew it; only a teacher's kernel has one to send. */
export interface Reference {
  name: string;
  title: string;
  readers: Reader[];
  /** Overlap of any two readers who drew areas. */
  agreement: { readers: [string, string]; dice: number }[];
  /** Bit n: the n-th reader drew an area, and the kernel tells pixel by pixel who includes it. */
  areas: number;
  /** The same without what was fused from others: those who can disagree. */
  voters: number;
}

export interface Reader {
  reader: string;
  who: string;
  reviewed: string;
  /** Other readers whose areas were fused; empty for a reading of one's own. */
  made_from: string[];
  /** A point of it, to go there. */
  at_lps_mm: Point3;
  /** What one outline holds; areas of several slices have none. */
  shapes: Pick<Mark, "kind" | "points_lps_mm">[];
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
  /** Colours are shown as they are: there is no window. */
  colour: boolean;
  /** Null where the images do not follow each other in time. */
  cine: CineInfo | null;
  inverted: boolean;
  calibrated: boolean;
  unit: string;
  kept: "task" | "practice" | "self-study";
  save: SaveState;
  first: ImageInfo[];
  reference: Reference | null;
}

/** The room can't be opened: what the case is, and why, in words for a person. */
export interface Closed {
  case: Room["case"];
  reason: string;
}

/** Makes a DICOM UID from a random UUID (PS3.5 B.2). */
export function newUid(): string {
  // crypto.randomUUID exists only on https and localhost; a class server may be plain http.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return `2.25.${bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)}`;
}
