// One plane on the screen: a painter, the letters and numbers around it, the crosshair.
import { type Camera, fit, pan, planeFromScreen, screenFromPlane, type Size, zoom } from "./camera.ts";
import { CanvasView } from "./canvas_view.ts";
import { type Gesture, listenForGestures } from "./gestures.ts";
import type { PlaneGeometry } from "./plane_geometry.ts";
import type { Kind, Mark, Point2, Point3, Reference } from "./protocol.ts";
import { ReferenceOverlay } from "./reference_overlay.ts";
import type { Picture } from "./slice_client.ts";
import { markAt } from "./hit_test.ts";
import { svgElement } from "./svg.ts";
import type { Shape, View, ViewSetting } from "./view.ts";
import type { Range } from "./window_level.ts";

export interface PanelEvents {
  /** A point of the patient was pointed at with the navigation tool. */
  navigate(point_lps_mm: Point3): void;
  /** The image is to be changed by so many slices. */
  scroll(panel: PlanePanel, steps: number): void;
  window(right: number, down: number): void;
  shape(panel: PlanePanel, shape: Shape): void;
  select(uid: string): void;
  tooSmall(kind: Kind): void;
  /** The values under the pointer: one, or red, green and blue. */
  hover(panel: PlanePanel, values: readonly number[] | undefined, at: Point2 | undefined): void;
  maximise(panel: PlanePanel): void;
  active(panel: PlanePanel): void;
  /** The button goes down to draw; false where it only stopped what was moving. */
  mayDraw(): boolean;
}

export interface PanelSetting {
  geometry: PlaneGeometry;
  title: string;
  modality: string;
  colour: boolean;
  /** What one of the images is called: "image", or "frame" of a cine. */
  word: string;
  unit: "mm" | "px";
  fetch(plane: string, index: number): Promise<Picture>;
  votes(plane: string, index: number): Promise<Picture>;
  events: PanelEvents;
}

/** A press that moves less than this is a click. */
const CLICK_PX = 4;

/** Which plane the horizontal and the vertical line of the crosshair stand for: drawn in its colour. */
const CROSSING: Record<string, [string, string]> = {
  axial: ["coronal", "sagittal"],
  coronal: ["axial", "sagittal"],
  sagittal: ["axial", "coronal"],
};

export class PlanePanel {
  readonly element = document.createElement("div");
  readonly geometry: PlaneGeometry;
  index: number;
  view: View;
  picture: Picture | undefined;
  camera: Camera;
  gesture: Gesture | undefined = "window";
  private tool: Kind | undefined;
  private range: Range = { lower: 0, upper: 1 };
  private inverted = false;
  private here: readonly Mark[] = [];
  private selected: string | undefined;
  private size: Size = { width: 0, height: 0 };
  private crosshair: Point3 | undefined;
  private fitted = true; // the camera follows the size of the panel until it is moved by hand
  private readonly overlay: ReferenceOverlay;
  private still: View | undefined; // waits while the canvas paints moving frames
  private readonly host = document.createElement("div");
  private readonly lines = svgElement("svg", { class: "rr-crosshair", "aria-hidden": "true" });
  private readonly corners: Record<"tl" | "tr" | "bl" | "br", HTMLElement>;
  private readonly setting: PanelSetting;
  private readonly stops: (() => void)[] = [];
  private dragged = 0; // fractional slices of a scroll drag

  constructor(setting: PanelSetting) {
    this.setting = setting;
    this.geometry = setting.geometry;
    const { info } = this.geometry;
    this.index = Math.floor(info.slices / 2);
    this.camera = { centre: [(info.columns - 1) / 2, (info.rows - 1) / 2], scale: 1 };
    this.element.className = `rr-panel rr-plane-${info.name}`;
    this.element.tabIndex = 0;
    this.element.setAttribute("role", "group");
    this.host.className = "rr-host";
    this.overlay = new ReferenceOverlay(this.geometry, (index) => setting.votes(info.name, index));
    this.element.append(this.host, this.overlay.element, this.lines);
    const place = (name: string, text = "") => {
      const span = document.createElement("span");
      span.className = `rr-over rr-${name}`;
      span.textContent = text;
      span.setAttribute("aria-hidden", "true");
      this.element.append(span);
      return span;
    };
    this.corners = { tl: place("tl", setting.title), tr: place("tr"), bl: place("bl"), br: place("br") };
    ["left", "right", "top", "bottom"].forEach((edge, n) => place(`edge rr-${edge}`, info.letters[n] ?? ""));
    this.view = new CanvasView(this.viewSetting());
    this.listen();
  }

  // -- what the room does with a panel --------------------------------------------------------------

  /** Goes to a slice; an image that comes late for a slice already left is not shown. */
  async show(index: number): Promise<void> {
    const { info } = this.geometry;
    this.index = Math.min(Math.max(index, 0), info.slices - 1);
    this.label();
    if (this.size.width > 0) this.overlay.paint(this.camera, this.size, this.index);
    const wanted = this.index;
    const picture = await this.setting.fetch(info.name, wanted);
    if (wanted === this.index) await this.accept(picture);
  }

  /** Shows an image of the present slice. */
  async accept(picture: Picture): Promise<void> {
    if (picture.preview && this.picture && !this.picture.preview) return;
    this.picture = picture;
    await this.view.picture(picture);
    this.element.dataset.shown = `${picture.index}${picture.preview ? " preview" : ""}`;
  }

  setRange(range: Range, inverted: boolean): void {
    this.range = range;
    this.inverted = inverted;
    this.refresh();
  }

  setMarks(marks: readonly Mark[], selected: string | undefined): void {
    this.here = marks.filter((mark) => this.geometry.sliceOf(mark.points_lps_mm) === this.index);
    this.selected = selected;
    this.view.marks(this.here, selected);
  }

  setTool(gesture: Gesture | undefined, kind: Kind | undefined): void {
    this.gesture = gesture;
    this.tool = kind;
    this.element.dataset.tool = kind ?? gesture ?? "";
    this.view.draw(kind);
  }

  setReference(reference: Reference | undefined): void {
    this.overlay.set(reference);
  }

  setCrosshair(point_lps_mm: Point3 | undefined): void {
    this.crosshair = point_lps_mm;
    this.paintCrosshair();
  }

  resetCamera(): void {
    this.fitted = true;
    this.camera = fit(this.geometry, this.size);
    this.refresh();
  }

  zoomBy(factor: number): void {
    this.moveCamera(zoom(this.camera, this.geometry, this.size, factor, [this.size.width / 2, this.size.height / 2]));
  }

  /**
   * While frames follow each other, the canvas paints: without a 3-D card it is much the quicker one.
   * The better painter waits underneath, and has its place again at the frame where they stop.
   */
  async setMoving(moving: boolean): Promise<void> {
    if (moving && this.view.painter === "webgl") {
      this.still = this.view;
      this.view = new CanvasView(this.viewSetting());
      this.view.resize(this.size);
      await this.hand(this.view);
    } else if (!moving && this.still) {
      const [moved, still] = [this.view, this.still];
      this.still = undefined;
      this.view = still;
      still.resize(this.size);
      await this.hand(still);
      await drawn();
      moved.dispose();
    }
  }

  /** Gives a painter everything as it stands. */
  private async hand(view: View): Promise<void> {
    view.look(this.lookNow());
    if (this.picture && !this.picture.preview) await view.picture(this.picture);
    view.look(this.lookNow());
    view.marks(this.here, this.selected);
    view.draw(this.tool);
  }

  /** Puts a better painter in place of the present one, with everything as it stands. */
  async swap(make: (setting: ViewSetting) => Promise<View>): Promise<void> {
    const view = await make(this.viewSetting());
    view.resize(this.size);
    await this.hand(view);
    // A stroke under way is finished on the old painter first.
    while (this.view.busy) await new Promise((done) => setTimeout(done, 50));
    const old = this.view;
    this.view = view;
    if (this.picture && this.picture.index !== this.index) await this.show(this.index);
    view.look(this.lookNow());
    view.marks(this.here, this.selected);
    view.draw(this.tool);
    await drawn();
    old.dispose();
    this.element.dataset.painter = view.painter;
  }

  /** Small words in a corner that stay. */
  note(text: string): void {
    this.corners.bl.textContent = text;
  }

  dispose(): void {
    this.still?.dispose();
    for (const stop of this.stops) stop();
    this.view.dispose();
  }

  /** Where a point of the patient is on the panel, in CSS pixels. */
  onScreen(point_lps_mm: Point3): Point2 {
    const [column, row] = this.geometry.planeFromPatient(point_lps_mm);
    return screenFromPlane(this.camera, this.geometry, this.size, [column, row]);
  }

  // -- inside ---------------------------------------------------------------------------------------

  private viewSetting(): ViewSetting {
    const { geometry, modality, colour, unit, fetch, events } = this.setting;
    return {
      host: this.host,
      geometry,
      modality,
      colour,
      unit,
      fetch: (index) => fetch(geometry.info.name, index),
      events: {
        shape: (shape) => events.shape(this, shape),
        tooSmall: (kind) => events.tooSmall(kind),
      },
    };
  }

  private lookNow() {
    return { camera: this.camera, range: this.range, inverted: this.inverted };
  }

  private refresh(): void {
    if (this.size.width === 0) return;
    this.view.look(this.lookNow());
    this.overlay.paint(this.camera, this.size, this.index);
    this.paintCrosshair();
    this.label();
  }

  private moveCamera(camera: Camera): void {
    this.fitted = false;
    this.camera = camera;
    this.refresh();
  }

  private label(): void {
    const { info } = this.geometry;
    this.corners.tr.textContent = info.slices > 1 ? `${this.setting.word === "frame" ? "frame " : ""}${this.index + 1} / ${info.slices}` : "";
    const scale = this.camera.scale / (fit(this.geometry, this.size).scale || 1);
    this.corners.br.textContent = Math.abs(scale - 1) > 0.01 ? `${scale.toFixed(scale < 10 ? 1 : 0)}×` : "";
    const slices = info.slices > 1 ? `, ${this.setting.word} ${this.index + 1} of ${info.slices}` : "";
    this.element.setAttribute("aria-label", `${this.setting.title}${slices}`);
  }

  private paintCrosshair(): void {
    if (!this.crosshair) {
      this.lines.replaceChildren();
      return;
    }
    const [x, y] = this.onScreen(this.crosshair);
    const { width, height } = this.size;
    this.lines.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const gap = 14;
    const [across, down] = CROSSING[this.geometry.info.name] ?? ["", ""];
    this.lines.replaceChildren(
      svgElement("path", { class: `rr-of-${across}`, d: `M0 ${y}H${x - gap}M${x + gap} ${y}H${width}` }),
      svgElement("path", { class: `rr-of-${down}`, d: `M${x} 0V${y - gap}M${x} ${y + gap}V${height}` }),
    );
  }

  private listen(): void {
    const { events } = this.setting;
    const resized = new ResizeObserver(() => {
      const { clientWidth: width, clientHeight: height } = this.element;
      if (width === 0 || height === 0) return;
      this.size = { width, height };
      if (this.fitted) this.camera = fit(this.geometry, this.size);
      this.view.resize(this.size);
      this.refresh();
    });
    resized.observe(this.element);
    this.stops.push(() => resized.disconnect());
    this.element.addEventListener("focus", () => events.active(this));
    this.listenForClicks();
    this.element.addEventListener("dblclick", () => this.gesture && events.maximise(this));
    this.stops.push(
      listenForGestures(this.element, () => this.gesture, {
        drag: (gesture, dx, dy, at, start) => {
          if (gesture === "navigate") events.navigate(this.geometry.patientFromPlane([...this.planePoint(at), this.index]));
          else if (gesture === "window") events.window(dx / this.size.height, dy / this.size.height);
          else if (gesture === "pan") this.moveCamera(pan(this.camera, this.geometry, [dx, dy]));
          else if (gesture === "zoom") this.moveCamera(zoom(this.camera, this.geometry, this.size, Math.exp(dy / -150), start));
          else this.scrollDrag(dy);
        },
        dragEnd: () => (this.dragged = 0),
        pinch: (factor, dx, dy, at) =>
          this.moveCamera(pan(zoom(this.camera, this.geometry, this.size, factor, at), this.geometry, [dx, dy])),
        wheel: (steps, zooming, at) => {
          // With nothing to leaf through, the wheel zooms.
          if (zooming || this.geometry.info.slices === 1) {
            this.moveCamera(zoom(this.camera, this.geometry, this.size, 1.15 ** -steps, at));
          } else events.scroll(this, steps);
        },
        hover: (at) => this.hover(at),
      }),
    );
  }

  /** A click that is no stroke chooses the mark under it. */
  private listenForClicks(): void {
    let down: Point2 | undefined;
    const at = (event: PointerEvent): Point2 => [event.clientX, event.clientY];
    const press = (event: PointerEvent) => {
      down = event.button === 0 ? at(event) : undefined;
      if (!down || !this.tool || this.setting.events.mayDraw()) return;
      down = undefined;
      event.preventDefault();
      event.stopImmediatePropagation();
    };
    this.element.addEventListener("pointerdown", press, { capture: true });
    this.element.addEventListener("pointerup", (event) => {
      const up = at(event);
      if (!down || this.view.busy || Math.hypot(up[0] - down[0], up[1] - down[1]) > CLICK_PX) return;
      const box = this.element.getBoundingClientRect();
      const hit = markAt(this.here, (point) => this.onScreen(point), [up[0] - box.left, up[1] - box.top]);
      if (hit) this.setting.events.select(hit.uid);
    });
  }

  private scrollDrag(dy: number): void {
    // The whole stack over a little more than the panel's height, but never finer than 4 px a slice.
    this.dragged += dy / Math.max(4, this.size.height / this.geometry.info.slices / 1.2);
    const steps = Math.trunc(this.dragged);
    if (steps === 0) return;
    this.dragged -= steps;
    this.setting.events.scroll(this, steps);
  }

  private planePoint(at: Point2): Point2 {
    const { columns, rows } = this.geometry.info;
    const [column, row] = planeFromScreen(this.camera, this.geometry, this.size, at);
    return [Math.min(Math.max(column, 0), columns - 1), Math.min(Math.max(row, 0), rows - 1)];
  }

  private hover(at: Point2 | undefined): void {
    const place = at && planeFromScreen(this.camera, this.geometry, this.size, at);
    const { picture } = this;
    if (!place || !this.geometry.contains(place) || !picture || picture.preview || picture.index !== this.index) {
      this.setting.events.hover(this, undefined, undefined);
      return;
    }
    const [column, row] = [Math.round(place[0]), Math.round(place[1])];
    const samples = picture.samples ?? 1;
    const from = (row * picture.columns + column) * samples;
    this.setting.events.hover(this, [...picture.pixels.subarray(from, from + samples)], [column, row]);
  }
}

/** Two frames: the new picture is on the screen before the old one goes. */
function drawn(): Promise<unknown> {
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}
