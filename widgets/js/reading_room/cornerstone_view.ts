// The full painter: a Cornerstone3D stack viewport with its annotation tools.
import * as core from "@cornerstonejs/core";
import * as tools from "@cornerstonejs/tools";
import type { Size } from "./camera.ts";
import { addSource, registerImages, removeSource } from "./cornerstone_images.ts";
import { type CornerstoneMark, cornerstoneMark, kindOf, makeToolGroup, pointsOf, registerTools, toolNames } from "./cornerstone_tools.ts";
import type { Kind, Mark, Point3 } from "./protocol.ts";
import type { Picture } from "./slice_client.ts";
import { type Look, SMALLEST_SHAPE_PX, type View, type ViewSetting } from "./view.ts";
import { AS_IS } from "./window_level.ts";

const ENGINE_ID = "clerkship";
const { Events, MouseBindings } = tools.Enums;

let started: Promise<core.RenderingEngine> | undefined;
let views = 0;

/** Cornerstone, once per page: all rooms share one rendering engine and so its few WebGL contexts. */
function start(): Promise<core.RenderingEngine> {
  return (started ??= (async () => {
    await core.init();
    await tools.init();
    registerImages();
    registerTools();
    return new core.RenderingEngine(ENGINE_ID);
  })());
}

export async function makeView(setting: ViewSetting): Promise<View> {
  const engine = await start();
  return new CornerstoneView(setting, engine);
}

class CornerstoneView implements View {
  readonly painter = "webgl";
  private readonly element = document.createElement("div");
  private readonly id = `view-${++views}`;
  private readonly imageIds: string[];
  private readonly setting: ViewSetting;
  private readonly engine: core.RenderingEngine;
  private readonly viewport: core.Types.IStackViewport;
  private readonly group: ReturnType<typeof makeToolGroup>;
  private readonly stop = new AbortController();
  private stacked = false;
  private index = -1;
  private lastLook: Look | undefined;
  private size: Size = { width: 1, height: 1 };
  private shown = new Map<string, string>(); // uid -> what is drawn, to leave the unchanged alone
  private own = false; // the change under way is ours, not the reader's
  private changed = new Set<string>();
  private finished: CornerstoneMark | undefined;

  constructor(setting: ViewSetting, engine: core.RenderingEngine) {
    this.setting = setting;
    this.engine = engine;
    this.element.className = "rr-cornerstone";
    setting.host.prepend(this.element);
    this.imageIds = addSource(this.id, { geometry: setting.geometry, modality: setting.modality, colour: setting.colour, fetch: setting.fetch });
    engine.enableElement({ viewportId: this.id, type: core.Enums.ViewportType.STACK, element: this.element, defaultOptions: { background: [0, 0, 0] } });
    this.viewport = engine.getViewport(this.id) as core.Types.IStackViewport;
    this.group = makeToolGroup(`tools-${this.id}`, this.id, ENGINE_ID, setting.unit);
    const { signal } = this.stop;
    const { eventTarget } = core;
    const completed = (event: Event) => this.completed((event as CustomEvent).detail.annotation);
    const modified = (event: Event) => this.modified((event as CustomEvent).detail.annotation);
    eventTarget.addEventListener(Events.ANNOTATION_COMPLETED, completed as never);
    eventTarget.addEventListener(Events.ANNOTATION_MODIFIED, modified as never);
    signal.addEventListener("abort", () => {
      eventTarget.removeEventListener(Events.ANNOTATION_COMPLETED, completed as never);
      eventTarget.removeEventListener(Events.ANNOTATION_MODIFIED, modified as never);
    });
    // Reshaping ends when the button or finger is lifted, wherever that is.
    for (const type of ["mouseup", "touchend"]) window.addEventListener(type, () => setTimeout(() => this.reshaped()), { signal });
    this.draw(undefined);
  }

  get busy(): boolean {
    return this.pendingStroke() !== undefined;
  }

  async picture(picture: Picture): Promise<void> {
    if (picture.preview) return;
    this.index = picture.index;
    if (this.stacked) await this.viewport.setImageIdIndex(picture.index);
    else {
      this.stacked = true;
      await this.viewport.setStack(this.imageIds, picture.index);
    }
    this.paint();
  }

  look(look: Look): void {
    this.lastLook = look;
    this.paint();
  }

  marks(marks: readonly Mark[], selected: string | undefined): void {
    const { state, selection } = tools.annotation;
    const wanted = new Map(marks.map((mark) => [mark.uid, JSON.stringify([mark.points_lps_mm, mark.label, mark.text, mark.lines, this.index])]));
    this.own = true;
    for (const [uid, drawn] of this.shown) {
      if (wanted.get(uid) === drawn) continue;
      state.removeAnnotation(uid);
      this.shown.delete(uid);
    }
    for (const mark of marks) {
      if (!this.shown.has(mark.uid)) {
        state.addAnnotation(cornerstoneMark(mark, this.setting.geometry, this.reference()) as never, this.element);
        this.shown.set(mark.uid, wanted.get(mark.uid)!);
      }
      selection.setAnnotationSelected(mark.uid, mark.uid === selected, true);
    }
    this.own = false;
    tools.utilities.triggerAnnotationRenderForViewportIds([this.id]);
  }

  draw(kind: Kind | undefined): void {
    for (const [one, name] of Object.entries(toolNames)) {
      // While navigating, marks are seen but do not catch the mouse; while drawing, all can be reshaped.
      if (one === kind) this.group.setToolActive(name, { bindings: [{ mouseButton: MouseBindings.Primary }, { numTouchPoints: 1 }] } as never);
      else if (kind) this.group.setToolPassive(name);
      else this.group.setToolEnabled(name);
    }
  }

  cancel(): void {
    this.own = true; // Cornerstone reports a cancelled stroke as completed
    tools.cancelActiveManipulations(this.element as never);
    const stroke = this.pendingStroke();
    if (stroke) tools.annotation.state.removeAnnotation(stroke.annotationUID);
    this.own = false;
    tools.utilities.triggerAnnotationRenderForViewportIds([this.id]);
  }

  resize(size: Size): void {
    this.size = size;
    this.engine.resize(true, true);
    this.paint();
  }

  dispose(): void {
    this.stop.abort();
    for (const uid of this.shown.keys()) tools.annotation.state.removeAnnotation(uid);
    tools.ToolGroupManager.destroyToolGroup(this.group.id);
    this.engine.disableElement(this.id);
    removeSource(this.id, this.imageIds);
    this.element.remove();
  }

  private paint(): void {
    const { lastLook: look, stacked, size } = this;
    if (!look || !stacked || this.index < 0 || !this.viewport.getCurrentImageId()) return;
    const { colour } = this.setting;
    this.viewport.setProperties({ voiRange: colour ? AS_IS : look.range, invert: look.inverted && !colour, interpolationType: core.Enums.InterpolationType.LINEAR });
    const { geometry } = this.setting;
    const focalPoint = geometry.patientFromPlane([...look.camera.centre, this.index]);
    const { viewPlaneNormal, position, focalPoint: before } = this.viewport.getCamera();
    const distance = position && before ? Math.hypot(...position.map((v, n) => v - before[n]!)) : 1000;
    this.viewport.setCamera({
      focalPoint,
      position: focalPoint.map((v, n) => v + viewPlaneNormal![n]! * distance) as Point3,
      parallelScale: size.height / 2 / look.camera.scale,
    });
    this.viewport.render();
  }

  private reference(): Record<string, unknown> {
    const { viewPlaneNormal, viewUp } = this.viewport.getCamera();
    return { viewPlaneNormal, viewUp, FrameOfReferenceUID: this.viewport.getFrameOfReferenceUID(), referencedImageId: this.imageIds[this.index] };
  }

  /** A shape of this view that the reader is still drawing. */
  private pendingStroke(): CornerstoneMark | undefined {
    return this.here().find((mark) => !this.shown.has(mark.annotationUID) && mark !== this.finished);
  }

  private here(): CornerstoneMark[] {
    const all = Object.values(toolNames).flatMap((name) => tools.annotation.state.getAnnotations(name, this.element) ?? []);
    return all as unknown as CornerstoneMark[];
  }

  private isHere(mark: CornerstoneMark): boolean {
    return mark.metadata.FrameOfReferenceUID === this.viewport.getFrameOfReferenceUID();
  }

  private completed(mark: CornerstoneMark): void {
    const kind = kindOf(String(mark.metadata.toolName));
    if (this.own || !kind || !this.isHere(mark) || this.shown.has(mark.annotationUID)) return;
    this.finished = mark;
    // Cornerstone is still busy with it: take it over when it is done.
    setTimeout(() => {
      const points = pointsOf(kind, mark, this.setting.geometry);
      this.own = true;
      tools.annotation.state.removeAnnotation(mark.annotationUID);
      this.own = false;
      this.finished = undefined;
      if ((kind !== "point" && this.isTooSmall(points)) || (kind === "region" && points.length < 3)) {
        tools.utilities.triggerAnnotationRenderForViewportIds([this.id]);
        this.setting.events.tooSmall(kind);
      } else this.setting.events.shape({ uid: undefined, kind, points_lps_mm: points });
    });
  }

  private modified(mark: CornerstoneMark): void {
    if (this.own || !this.shown.has(mark.annotationUID) || !this.isHere(mark)) return;
    mark.data.clerkshipLines = undefined; // the old measurement is no longer true
    this.changed.add(mark.annotationUID);
  }

  private reshaped(): void {
    for (const uid of this.changed) {
      const mark = tools.annotation.state.getAnnotation(uid) as unknown as CornerstoneMark | undefined;
      const kind = mark && kindOf(String(mark.metadata.toolName));
      if (!mark || !kind) continue;
      this.shown.set(uid, "reshaped"); // so that the kernel's answer redraws it
      this.setting.events.shape({ uid, kind, points_lps_mm: pointsOf(kind, mark, this.setting.geometry) });
    }
    this.changed.clear();
  }

  private isTooSmall(points: Point3[]): boolean {
    const scale = this.lastLook?.camera.scale ?? 1;
    const first = points[0]!;
    return points.every((point) => Math.hypot(point[0] - first[0], point[1] - first[1], point[2] - first[2]) * scale < SMALLEST_SHAPE_PX);
  }
}
