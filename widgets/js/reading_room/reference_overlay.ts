// References of several readers over one plane: dashed lines, a colour and a dash for each reader, and a
// tint where some include what others leave out.  It lies above both painters and catches no pointer.
import { type Camera, screenFromPlane, type Size } from "./camera.ts";
import { outlines } from "./outline.ts";
import type { PlaneGeometry } from "./plane_geometry.ts";
import type { Point2, Reader, Reference } from "./protocol.ts";
import type { Picture } from "./slice_client.ts";
import { pathOf, svgElement } from "./svg.ts";

/** Colours that stay apart for colour-blind eyes (after Okabe and Ito), away from those of marks. */
const COLOURS = ["#56b4e9", "#ff8f5a", "#e69fd0", "#9be564", "#ffffff", "#c8a2ff", "#ffe9a8", "#7fd6c8"];
const DASHES = ["7 4", "2 3", "10 3 2 3", "5 5", "1 4", "12 4", "3 6", "8 2 2 2 2 2"];
/** Red, green, blue and alpha of the tint: the amber of a warning. */
const TINT = [255, 176, 32, 110] as const;

/** How the reader at a place in the list is drawn. */
export function readerStyle(n: number): { colour: string; dash: string } {
  return { colour: COLOURS[n % COLOURS.length]!, dash: DASHES[n % DASHES.length]! };
}

/** What the readers drew on one slice: bit n of a pixel stands for the n-th reader. */
interface Votes {
  index: number;
  /** Outlines by reader, in plane indices. */
  lines: Point2[][][];
  tint: HTMLCanvasElement;
}

export class ReferenceOverlay {
  readonly element = document.createElement("div");
  private readonly canvas = document.createElement("canvas");
  private readonly svg = svgElement("svg", { class: "rr-reference", "aria-hidden": "true" });
  private readonly geometry: PlaneGeometry;
  private readonly fetch: (index: number) => Promise<Picture>;
  private reference: Reference | undefined;
  private wanted = -1; // slice whose votes are asked for or here
  private votes: Votes | undefined;
  private last: { camera: Camera; size: Size; index: number } | undefined;

  /** `fetch` gives the votes on a slice. */
  constructor(geometry: PlaneGeometry, fetch: (index: number) => Promise<Picture>) {
    this.geometry = geometry;
    this.fetch = fetch;
    this.element.className = "rr-overlay";
    this.element.append(this.canvas, this.svg);
  }

  set(reference: Reference | undefined): void {
    this.reference = reference;
    this.votes = undefined;
    this.wanted = -1;
    this.element.hidden = !reference;
    if (this.last) this.paint(this.last.camera, this.last.size, this.last.index);
  }

  paint(camera: Camera, size: Size, index: number): void {
    this.last = { camera, size, index };
    if (!this.reference) return;
    const onScreen = (point: Point2) => screenFromPlane(camera, this.geometry, size, point);
    this.paintLines(this.reference.readers, onScreen, size, index);
    this.paintTint(onScreen, size, index);
    if (this.reference.areas !== 0 && this.wanted !== index) void this.ask(this.reference, index);
  }

  private async ask(reference: Reference, index: number): Promise<void> {
    this.wanted = index;
    const picture = await this.fetch(index).catch(() => undefined); // without it, the drawn shapes remain
    if (!picture || this.reference !== reference || this.wanted !== index) return;
    this.votes = votesOf(picture, reference);
    if (this.last) this.paint(this.last.camera, this.last.size, this.last.index);
  }

  private paintLines(readers: Reader[], onScreen: (point: Point2) => Point2, size: Size, index: number): void {
    this.svg.setAttribute("viewBox", `0 0 ${size.width} ${size.height}`);
    const paths = readers.map(({ shapes }, n) => {
      const drawn = shapes.filter((shape) => this.geometry.sliceOf(shape.points_lps_mm) === index);
      const path = drawn.map(({ kind, points_lps_mm }) => pathOf(kind, points_lps_mm.map((point) => onScreen(this.geometry.planeFromPatient(point).slice(0, 2) as Point2))));
      // An outline is shown as it was drawn; what has none here by the edge of its pixels.
      const outlined = drawn.some(({ kind }) => kind === "region" || kind === "ellipse");
      if (!outlined && this.votes?.index === index) path.push(...this.votes.lines[n]!.map((line) => pathOf("region", line.map(onScreen))));
      const { colour, dash } = readerStyle(n);
      return svgElement("path", { d: path.join(""), stroke: colour, "stroke-dasharray": dash });
    });
    // What was fused lies underneath: where it follows a reader, the reader is seen.
    const isFused = (n: number) => readers[n]!.made_from.length > 0;
    this.svg.replaceChildren(...paths.filter((_, n) => isFused(n)), ...paths.filter((_, n) => !isFused(n)));
  }

  private paintTint(onScreen: (point: Point2) => Point2, size: Size, index: number): void {
    const { canvas, votes } = this;
    const ratio = devicePixelRatio || 1;
    const [width, height] = [Math.max(1, Math.round(size.width * ratio)), Math.max(1, Math.round(size.height * ratio))];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const context = canvas.getContext("2d")!;
    context.clearRect(0, 0, width, height);
    if (votes?.index !== index) return;
    const { columns, rows } = this.geometry.info;
    const [left, top] = onScreen([-0.5, -0.5]);
    const [right, bottom] = onScreen([columns - 0.5, rows - 0.5]);
    context.imageSmoothingEnabled = false; // these are voxels
    context.drawImage(votes.tint, left * ratio, top * ratio, (right - left) * ratio, (bottom - top) * ratio);
  }
}

function votesOf({ index, pixels, columns, rows }: Picture, reference: Reference): Votes {
  const lines = reference.readers.map((_, n) => outlines((column, row) => (pixels[row * columns + column]! >> n) % 2 === 1, columns, rows));
  const tint = document.createElement("canvas");
  [tint.width, tint.height] = [columns, rows];
  const context = tint.getContext("2d")!;
  const image = context.createImageData(columns, rows);
  for (let n = 0; n < pixels.length; n++) {
    const votes = pixels[n]! & reference.voters;
    if (votes !== 0 && votes !== reference.voters) image.data.set(TINT, 4 * n);
  }
  context.putImageData(image, 0, 0);
  return { index, lines, tint };
}
