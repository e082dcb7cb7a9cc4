// Paints on a 2-D canvas: the first picture everywhere, and all there is where WebGL is missing.
// Marks are SVG on top; every kind can be drawn here too, only not reshaped afterwards.
import { planeFromScreen, screenFromPlane, type Size } from "./camera.ts";
import type { Kind, Mark, Point2 } from "./protocol.ts";
import type { Picture } from "./slice_client.ts";
import { ellipseEnds, pathOf, simplified, svgElement } from "./svg.ts";
import { type Look, SMALLEST_SHAPE_PX, type View, type ViewSetting } from "./view.ts";
import { AS_IS, paintColour, paintGrey } from "./window_level.ts";

export class CanvasView implements View {
  readonly painter = "canvas";
  private readonly canvas = document.createElement("canvas");
  private readonly svg = svgElement("svg", { class: "rr-marks" });
  private readonly setting: ViewSetting;
  private size: Size = { width: 1, height: 1 };
  private current: Picture | undefined;
  private source: HTMLCanvasElement | undefined; // the picture in grey, one canvas pixel per image pixel
  private painted = ""; // what `source` holds
  private lastLook: Look | undefined;
  private shown: readonly Mark[] = [];
  private selected: string | undefined;
  private tool: Kind | undefined;
  private stroke: { kind: Kind; points: Point2[]; pointer: number } | undefined; // plane indices
  private frame = 0;

  constructor(setting: ViewSetting) {
    this.setting = setting;
    this.canvas.className = "rr-canvas";
    setting.host.append(this.canvas, this.svg);
    this.svg.addEventListener("pointerdown", this.down);
    this.svg.addEventListener("pointermove", this.move);
    this.svg.addEventListener("pointerup", this.up);
    this.svg.addEventListener("pointercancel", () => this.cancel());
  }

  get busy(): boolean {
    return this.stroke !== undefined;
  }

  picture(picture: Picture): void {
    this.current = picture;
    this.painted = "";
    this.schedule();
  }

  look(look: Look): void {
    this.lastLook = look;
    this.schedule();
  }

  marks(marks: readonly Mark[], selected: string | undefined): void {
    this.shown = marks;
    this.selected = selected;
    this.schedule();
  }

  draw(kind: Kind | undefined): void {
    this.tool = kind;
    this.svg.classList.toggle("rr-drawing", kind !== undefined);
  }

  cancel(): void {
    this.stroke = undefined;
    this.schedule();
  }

  resize(size: Size): void {
    this.size = size;
    const ratio = devicePixelRatio || 1;
    this.canvas.width = Math.max(1, Math.round(size.width * ratio));
    this.canvas.height = Math.max(1, Math.round(size.height * ratio));
    this.svg.setAttribute("viewBox", `0 0 ${size.width} ${size.height}`);
    this.paint(); // at once: a resized canvas is empty
  }

  dispose(): void {
    cancelAnimationFrame(this.frame);
    this.canvas.remove();
    this.svg.remove();
  }

  private schedule(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.paint();
    });
  }

  private paint(): void {
    const { current, lastLook: look } = this;
    const context = this.canvas.getContext("2d");
    if (!context) return;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "#000";
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    if (!current || !look) return;
    this.paintSource(current, look);
    const ratio = this.canvas.width / this.size.width;
    const { camera } = look;
    const { geometry } = this.setting;
    // A preview pixel covers `step` image pixels; the edge of the first one is at -0.5.
    const step = current.preview ?? 1;
    const [left, top] = screenFromPlane(camera, geometry, this.size, [-0.5, -0.5]);
    const [right, bottom] = screenFromPlane(camera, geometry, this.size, [current.columns * step - 0.5, current.rows * step - 0.5]);
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.source!, left * ratio, top * ratio, (right - left) * ratio, (bottom - top) * ratio);
    this.paintMarks(look);
  }

  private paintSource(picture: Picture, { range, inverted }: Look): void {
    const ready = picture.preview !== undefined || picture.samples === 3; // whatever the window
    const wanted = ready ? "as it is" : `${range.lower} ${range.upper} ${inverted}`;
    if (wanted === this.painted) return;
    const canvas = (this.source ??= document.createElement("canvas"));
    if (canvas.width !== picture.columns || canvas.height !== picture.rows) {
      [canvas.width, canvas.height] = [picture.columns, picture.rows];
    }
    const context = canvas.getContext("2d")!;
    const image = context.createImageData(picture.columns, picture.rows);
    const words = new Uint32Array(image.data.buffer);
    if (picture.samples === 3) paintColour(picture.pixels, words);
    else if (picture.preview) paintGrey(picture.pixels, AS_IS, false, words);
    else paintGrey(picture.pixels, range, inverted, words);
    context.putImageData(image, 0, 0);
    this.painted = wanted;
  }

  private paintMarks(look: Look): void {
    const { geometry } = this.setting;
    const onScreen = (points: Point2[]) => points.map((p) => screenFromPlane(look.camera, geometry, this.size, p));
    const parts: SVGElement[] = [];
    for (const mark of this.shown) {
      const points = onScreen(mark.points_lps_mm.map((p) => geometry.planeFromPatient(p).slice(0, 2) as Point2));
      const chosen = mark.uid === this.selected;
      parts.push(this.drawn(mark.kind, points, chosen));
      const lines = [mark.kind === "arrow" ? mark.text || mark.label : mark.label, ...mark.lines].filter(Boolean);
      parts.push(...caption(lines, mark.kind === "arrow" ? points[1]! : rightmost(points)));
    }
    if (this.stroke) {
      const { kind, points } = this.stroke;
      const shape = kind === "ellipse" ? onScreen(ellipseEnds(points[0]!, points.at(-1)!)) : onScreen(points);
      parts.push(this.drawn(kind, shape, true));
    }
    this.svg.replaceChildren(...parts);
  }

  private drawn(kind: Kind, points: Point2[], chosen: boolean): SVGElement {
    return svgElement("path", { d: pathOf(kind, points), class: chosen ? "rr-mark rr-chosen" : "rr-mark" });
  }

  // -- drawing: press, drag, release; the third point of an angle by another click ----------------

  private readonly down = (event: PointerEvent | Event): void => {
    const pointer = event as PointerEvent;
    if (!this.tool || !this.lastLook || pointer.button !== 0) return;
    pointer.preventDefault();
    const at = this.at(pointer);
    if (this.stroke?.kind === "angle" && this.stroke.points.length === 3) {
      this.stroke.points[2] = at;
      this.finish();
      return;
    }
    this.svg.setPointerCapture(pointer.pointerId);
    const kind = this.tool;
    this.stroke = { kind, points: kind === "region" || kind === "point" ? [at] : [at, at], pointer: pointer.pointerId };
    this.schedule();
  };

  private readonly move = (event: PointerEvent | Event): void => {
    const { stroke } = this;
    if (!stroke) return;
    const pointer = event as PointerEvent;
    if (stroke.kind === "region") for (const one of pointer.getCoalescedEvents?.() ?? [pointer]) stroke.points.push(this.at(one));
    else stroke.points[stroke.points.length - 1] = this.at(pointer);
    this.schedule();
  };

  private readonly up = (event: PointerEvent | Event): void => {
    const { stroke } = this;
    if (!stroke || (event as PointerEvent).button !== 0) return;
    if (stroke.kind === "angle" && stroke.points.length === 2) {
      stroke.points.push(stroke.points[1]!); // the second arm now follows the pointer
      return;
    }
    if (stroke.kind !== "angle") this.finish();
  };

  private finish(): void {
    const { kind, points } = this.stroke!;
    this.stroke = undefined;
    this.schedule();
    const scale = this.lastLook!.camera.scale;
    const { geometry, events } = this.setting;
    const [dx, dy] = geometry.spacing;
    const xs = points.map((p) => p[0] * dx * scale);
    const ys = points.map((p) => p[1] * dy * scale);
    if (kind !== "point" && Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys)) < SMALLEST_SHAPE_PX) {
      events.tooSmall(kind);
      return;
    }
    const outline = kind === "region" ? simplified(points, 0.2) : kind === "ellipse" ? ellipseEnds(points[0]!, points.at(-1)!) : points;
    if (kind === "region" && outline.length < 3) {
      events.tooSmall(kind);
      return;
    }
    const slice = this.current!.index;
    events.shape({ uid: undefined, kind, points_lps_mm: outline.map(([column, row]) => geometry.patientFromPlane([column, row, slice])) });
  }

  private at(event: PointerEvent): Point2 {
    const box = this.svg.getBoundingClientRect();
    const { geometry } = this.setting;
    const [column, row] = planeFromScreen(this.lastLook!.camera, geometry, this.size, [event.clientX - box.left, event.clientY - box.top]);
    return [Math.min(Math.max(column, -0.5), geometry.info.columns - 0.5), Math.min(Math.max(row, -0.5), geometry.info.rows - 0.5)];
  }
}

function rightmost(points: readonly Point2[]): Point2 {
  return points.reduce((best, point) => (point[0] > best[0] ? point : best), points[0] ?? [0, 0]);
}

function caption(lines: string[], [x, y]: Point2): SVGElement[] {
  return lines.map((line, n) => {
    const text = svgElement("text", { x: x + 10, y: y + 4 + 16 * n, class: "rr-caption" });
    text.textContent = line;
    return text;
  });
}
