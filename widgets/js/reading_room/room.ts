// The room: panels, toolbar and lists around one state.  The kernel holds the marks; what is drawn
// here is shown at once, sent, and kept until the kernel has confirmed it.
import { loadEngine, type Model } from "../common/engine_loader.ts";
import { Cine } from "./cine.ts";
import { type Action, type Commanded, firstTool, isDrawing, NO_WINDOW, type Tool, toolsOf } from "./commands.ts";
import { Drafts } from "./drafts.ts";
import { element } from "../common/element.ts";
import type * as Engine from "./engine.ts";
import { helpCard } from "./help_card.ts";
import { handleKey } from "./keys.ts";
import { PlaneGeometry } from "./plane_geometry.ts";
import { PlanePanel } from "./plane_panel.ts";
import { type Drawn, type ImageInfo, type Mark, newUid, type Point3, type Reference, type Room as RoomInfo, type SaveState, type Stroke } from "./protocol.ts";
import { SidePanel } from "./side_panel.ts";
import { SliceClient } from "./slice_client.ts";
import { StatusBar } from "./status_bar.ts";
import { askForText } from "./text_box.ts";
import { Toolbar } from "./toolbar.ts";
import type { Shape } from "./view.ts";
import { autoRange, dragged, type Range, rangeOf, windowOf } from "./window_level.ts";

const CONFIRM_MS = 4000;

export class Room implements Commanded {
  readonly element: HTMLElement;
  readonly panels: PlanePanel[];
  readonly info: RoomInfo;
  private readonly model: Model;
  private readonly slices: SliceClient;
  private votes: SliceClient; // which readers of a reference include what
  private readonly drafts: Drafts;
  private readonly stage = element("div", { class: "rr-stage" });
  private readonly toolbar: Toolbar;
  private readonly side: SidePanel;
  private readonly status: StatusBar;
  private readonly help: HTMLElement;
  private readonly cine: Cine | undefined;
  private tool: Tool;
  private label: string;
  private range: Range;
  private marks: Mark[];
  private selected: string | undefined;
  private focus: Point3;
  private active: PlanePanel;
  private maximised: PlanePanel | undefined;
  private saveState: SaveState;
  private late = false; // the kernel has not confirmed a stroke in time
  private lateTimer: ReturnType<typeof setTimeout> | undefined;
  private alive = true;

  constructor(model: Model, info: RoomInfo, buffers: DataView[], engineName: string) {
    this.model = model;
    this.info = info;
    this.marks = info.annotations;
    this.saveState = info.save;
    this.label = info.labels[0] ?? "";
    this.range = rangeOf(info.windows[0]!);
    this.slices = new SliceClient(model, sizesOf(info));
    this.votes = this.votesClient();
    this.drafts = new Drafts(info.kept === "task" ? `${String(model.get("task"))}:${info.case.id}` : undefined);

    this.toolbar = new Toolbar(info, {
      tool: (tool) => this.setTool(tool),
      preset: (choice) => this.choosePreset(choice),
      label: (label) => (this.label = label),
      speed: (speed) => this.cine?.setSpeed(speed),
      do: (action) => this.do(action),
    });
    this.status = new StatusBar(info.kept, () => this.model.send({ save: true }));
    this.side = new SidePanel(info, {
      select: (uid) => this.select(uid),
      remove: (uid) => this.model.send({ delete: uid }),
      relabel: (uid, label) => this.relabel(uid, label),
      goTo: (point) => this.goTo(point),
    });
    this.help = helpCard(info, () => this.toggleHelp(false));
    this.panels = info.planes.map((plane) => this.makePanel(new PlaneGeometry(plane)));
    this.active = this.panels[0]!;
    const { active } = this; // a cine has one view
    if (info.cine) this.cine = new Cine(info.cine, active, this.slices, async (frame) => void (await this.leaf(active, frame)), (playing) => this.toolbar.playing(playing));
    const { columns, rows, slices } = this.active.geometry.info;
    this.focus = this.active.geometry.patientFromPlane([(columns - 1) / 2, (rows - 1) / 2, Math.floor(slices / 2)]);
    this.stage.append(...this.panels.map((panel) => panel.element), this.help);
    this.stage.classList.toggle("rr-three", this.panels.length > 1);
    this.element = element(
      "section",
      { class: "rr", "aria-label": `Reading room: ${info.case.title}` },
      info.prompt ? element("p", { class: "rr-prompt" }, info.prompt) : undefined,
      this.toolbar.element,
      element("div", { class: "rr-body" }, this.stage, this.side.element),
      this.status.element,
    );
    this.element.addEventListener("keydown", (event) => handleKey(event, this));
    // On a narrow page the list starts closed: the image comes first.
    this.toggleList(document.documentElement.clientWidth > 760);

    this.tool = firstTool(info);
    this.setTool(this.tool);
    this.setRange(this.range, "0");
    this.showMarks();
    this.showReference(info.reference ?? undefined, true);
    this.showSaved(info.save);
    if (this.cine) this.status.showPace(...this.cine.pace);
    for (const panel of this.panels) panel.setCrosshair(this.panels.length > 1 ? this.focus : undefined);
    void this.start(buffers, engineName);
  }

  /** Takes a message of the kernel that is not for the engine loader. */
  receive(message: Record<string, unknown>, buffers: DataView[]): void {
    if (message.slice) void this.slices.receive(message.slice as ImageInfo, buffers[0]);
    if (message.votes) void this.votes.receive(message.votes as ImageInfo, buffers[0]);
    if (message.reference !== undefined) this.showReference((message.reference as Reference | null) ?? undefined, true);
    if (message.done) this.status.say(String(message.done));
    if (message.annotations) this.take(message as unknown as Drawn);
    if (message.save) this.showSaved(message.save as SaveState);
    if (message.notice) this.refused(String(message.notice), message.about, message.uid);
  }

  dispose(): void {
    this.alive = false;
    this.cine?.pause();
    clearTimeout(this.lateTimer);
    for (const panel of this.panels) panel.dispose();
  }

  // -- commands: toolbar and keys ----------------------------------------------------------------

  get currentTool(): Tool {
    return this.tool;
  }

  setTool(tool: Tool): void {
    if (tool === "window" && this.info.colour) {
      this.status.say(NO_WINDOW);
      return;
    }
    this.tool = tool;
    const kind = isDrawing(tool) ? tool : undefined;
    for (const panel of this.panels) panel.setTool(isDrawing(tool) ? undefined : tool, kind);
    this.toolbar.press(tool);
    const command = [...toolsOf(this.info).drawing, ...toolsOf(this.info).gestures].find((one) => one.tool === tool);
    this.status.say(command ? `${command.name}: ${command.hint.charAt(0).toLowerCase()}${command.hint.slice(1)}` : "");
  }

  choosePreset(choice: string): void {
    if (this.info.colour) {
      this.status.say(NO_WINDOW);
      return;
    }
    const { picture } = this.active;
    const preset = this.info.windows[Number(choice)];
    if (preset) this.setRange(rangeOf(preset), choice);
    else if (choice === "auto" && picture && !picture.preview) this.setRange(autoRange(picture.pixels), "auto");
  }

  do(action: Action): void {
    if (action === "undo" || action === "redo") this.model.send({ [action]: true });
    else if (action === "remove") {
      if (this.selected) this.model.send({ delete: this.selected });
    } else if (action === "reset") this.reset();
    else if (action === "layout") this.maximise(this.maximised ? undefined : this.active);
    else if (action === "play") this.cine?.toggle();
    else if (action === "help") this.toggleHelp(this.help.hidden !== false);
    else this.toggleList(this.element.classList.contains("rr-without-side"));
  }

  scroll(steps: number, panel = this.active): void {
    this.cine?.pause();
    const { geometry } = panel;
    const index = Math.min(Math.max(panel.index + steps, 0), geometry.info.slices - 1);
    if (index !== panel.index) this.leaf(panel, index);
  }

  private leaf({ geometry }: PlanePanel, index: number): Promise<unknown> {
    const at = geometry.planeFromPatient(this.focus);
    return this.goTo(geometry.patientFromPlane([at[0], at[1], index]));
  }

  zoom(factor: number): void {
    this.active.zoomBy(factor);
  }

  /** Escape: first the stroke, then the tool, then the help. */
  escape(): void {
    const busy = this.panels.filter((panel) => panel.view.busy);
    if (!this.help.hidden) this.toggleHelp(false);
    else if (busy.length > 0) for (const panel of busy) panel.view.cancel();
    else this.setTool(firstTool(this.info));
  }

  reset(): void {
    this.maximise(undefined);
    this.setRange(rangeOf(this.info.windows[0]!), "0");
    for (const panel of this.panels) panel.resetCamera();
  }

  // -- images --------------------------------------------------------------------------------------

  private async start(buffers: DataView[], engineName: string): Promise<void> {
    await Promise.all(
      this.info.first.map(async (first, n) => {
        const picture = await this.slices.receive(first, buffers[n]);
        const panel = this.panels.find((one) => one.geometry.info.name === first.plane);
        if (picture && panel?.index === picture.index) await panel.accept(picture);
      }),
    );
    this.status.hold(this.info.first.some((first) => first.preview) ? "Loading the full image…" : "");
    const loading = this.panels.map((panel) => panel.show(panel.index));
    for (const stroke of this.drafts.all) this.send(stroke); // what a dead kernel did not get
    const engine = hasWebGL() ? loadEngine<typeof Engine>(this.model, engineName) : Promise.reject(new Error("no WebGL"));
    engine.catch(() => {}); // judged below, after the images
    try {
      await Promise.all(loading);
      this.status.hold("");
    } catch (error) {
      this.status.say((error as Error).message, "problem");
    }
    try {
      const { makeView } = await engine;
      await Promise.all(this.panels.map((panel) => this.alive && panel.swap(makeView)));
      this.element.dataset.painter = "webgl";
    } catch (error) {
      if (!this.alive) return;
      this.element.dataset.painter = "canvas";
      this.panels[0]!.note("Simple display");
      this.status.say("Simple display: this browser has no 3-D graphics (WebGL). Reading and marking work; a finished mark can be removed but not reshaped.");
      if ((error as Error).message !== "no WebGL") console.warn("Clerkship: the full viewer did not start, the simple one stays.", error);
    }
  }

  private makePanel(geometry: PlaneGeometry): PlanePanel {
    const { info } = this;
    const name = geometry.info.name;
    return new PlanePanel({
      geometry,
      title: name === "acquired" ? info.case.modality : name.charAt(0).toUpperCase() + name.slice(1),
      modality: info.case.modality,
      colour: info.colour,
      word: info.cine ? "frame" : "image",
      unit: info.calibrated ? "mm" : "px",
      fetch: (plane, index) => this.slices.look(plane, index, this.cine?.next(index)),
      votes: (plane, index) => this.votes.look(plane, index, []),
      events: {
        navigate: (point) => this.goTo(point),
        scroll: (panel, steps) => this.scroll(steps, panel),
        window: (right, down) => this.dragWindow(right, down),
        shape: (panel, shape) => void this.finished(panel, shape),
        select: (uid) => this.select(uid),
        tooSmall: (kind) => this.status.say(kind === "region" ? "Too small: hold the button down and draw around the place." : "Too small: press, drag, release."),
        hover: (_, values, at) => this.status.showValue(values && at ? this.valueText(values, at) : ""),
        maximise: (panel) => {
          if (this.panels.length > 1) this.maximise(this.maximised ? undefined : panel);
        },
        active: (panel) => (this.active = panel),
        mayDraw: () => {
          if (!this.cine?.playing) return true;
          this.cine.pause();
          this.status.say("Stopped. Draw on this frame now.");
          return false;
        },
      },
    });
  }

  private async goTo(point: Point3): Promise<void> {
    this.focus = point;
    const showing: Promise<void>[] = [];
    for (const panel of this.panels) {
      const index = Math.round(panel.geometry.planeFromPatient(point)[2]);
      if (index !== panel.index) {
        showing.push(panel.show(index).catch((error: Error) => this.status.say(error.message, "problem")));
        panel.setMarks(this.allMarks(), this.selected);
      }
      if (this.panels.length > 1) panel.setCrosshair(point);
    }
    await Promise.all(showing);
  }

  private dragWindow(right: number, down: number): void {
    const preset = this.info.windows.reduce((widest, one) => Math.max(widest, Math.min(one.width, 8000)), 1);
    this.setRange(dragged(this.range, right, this.info.inverted ? -down : down, preset), "manual");
  }

  private setRange(range: Range, choice: string): void {
    this.range = range;
    const { center, width } = windowOf(range);
    if (!this.info.colour) this.status.showWindow(center, width);
    this.toolbar.preset(choice);
    for (const panel of this.panels) panel.setRange(range, this.info.inverted);
  }

  private valueText(values: readonly number[], [column, row]: [number, number]): string {
    const { unit, colour } = this.info;
    const [value] = values as [number];
    const said = colour ? `R ${values[0]} G ${values[1]} B ${values[2]}` : `${Number.isInteger(value) ? value : value.toFixed(2)}${unit === "1" ? "" : ` ${unit}`}`;
    return `${said}  ·  x ${column} y ${row}`;
  }

  // -- marks ---------------------------------------------------------------------------------------

  private votesClient(): SliceClient {
    return new SliceClient(this.model, sizesOf(this.info), "votes");
  }

  private showReference(reference: Reference | undefined, goThere = false): void {
    this.votes = this.votesClient(); // those of another reference are of no use
    for (const panel of this.panels) panel.setReference(reference);
    this.side.reference(reference);
    const first = reference?.readers[0]?.at_lps_mm;
    if (!first || !goThere) return;
    void this.goTo(first);
    this.toggleList(true);
  }

  private async finished(panel: PlanePanel, shape: Shape): Promise<void> {
    const known = this.marks.find((mark) => mark.uid === shape.uid);
    const stroke: Stroke = {
      uid: known?.uid ?? newUid(),
      kind: shape.kind,
      points_lps_mm: shape.points_lps_mm,
      label: known?.label ?? this.label,
      text: known?.text ?? "",
      plane: panel.geometry.info.name,
      index: panel.index,
    };
    this.send(stroke); // first: nothing may be lost while words are being written
    this.select(stroke.uid);
    if (known || stroke.kind !== "arrow") return;
    const tail = panel.onScreen(stroke.points_lps_mm[1]!);
    const text = await askForText(this.stage, [panel.element.offsetLeft + tail[0] + 8, panel.element.offsetTop + tail[1] - 16]);
    if (text) this.send({ ...stroke, text });
    panel.element.focus({ preventScroll: true });
  }

  private send(stroke: Stroke): void {
    this.drafts.add(stroke);
    this.showMarks();
    this.model.send({ stroke });
    this.lateTimer ??= setTimeout(() => {
      this.lateTimer = undefined;
      this.late = this.drafts.all.length > 0;
      this.showSaved(this.saveState);
    }, CONFIRM_MS);
  }

  private take(drawn: Drawn): void {
    this.marks = drawn.annotations;
    this.info.can_undo = drawn.can_undo;
    this.info.can_redo = drawn.can_redo;
    for (const draft of this.drafts.all) {
      // Confirmed when the kernel has this very state of it (an arrow is sent twice: with words later).
      const mark = this.marks.find(({ uid }) => uid === draft.uid);
      if (mark && mark.text === draft.text && mark.label === draft.label) this.drafts.settle(draft.uid);
    }
    if (this.drafts.all.length === 0) {
      this.late = false;
      clearTimeout(this.lateTimer);
      this.lateTimer = undefined;
    }
    if (this.selected && !this.allMarks().some(({ uid }) => uid === this.selected)) this.selected = undefined;
    this.showMarks();
    this.showSaved(this.saveState);
  }

  private refused(notice: string, about: unknown, uid: unknown): void {
    this.status.say(notice, "problem");
    if (about === "stroke" && typeof uid === "string") {
      this.drafts.settle(uid);
      this.showMarks();
    }
  }

  private relabel(uid: string, label: string): void {
    const mark = this.marks.find((one) => one.uid === uid);
    const panel = mark && this.panels.find((one) => one.geometry.sliceOf(mark.points_lps_mm) !== undefined);
    if (!mark || !panel) return;
    const { kind, points_lps_mm, text } = mark;
    this.send({ uid, kind, points_lps_mm, label, text, plane: panel.geometry.info.name, index: panel.geometry.sliceOf(points_lps_mm)! });
  }

  private select(uid: string): void {
    this.selected = uid;
    const mark = this.allMarks().find((one) => one.uid === uid);
    const home = mark && this.panels.find((panel) => panel.geometry.sliceOf(mark.points_lps_mm) !== undefined);
    if (mark && home && home.geometry.sliceOf(mark.points_lps_mm) !== home.index) this.goTo(mark.points_lps_mm[0]!);
    this.showMarks();
  }

  /** The kernel's marks, with what it has not confirmed yet in place or at the end. */
  private allMarks(): (Mark & { pending?: boolean })[] {
    const drafts = new Map(this.drafts.all.map((draft) => [draft.uid, draft]));
    const known = this.marks.map((mark) => {
      const draft = drafts.get(mark.uid);
      drafts.delete(mark.uid);
      return draft ? { ...mark, ...draft, lines: [], pending: true } : mark;
    });
    return [...known, ...[...drafts.values()].map((draft) => ({ ...draft, slice_uid: null, lines: [], pending: true }))];
  }

  private showMarks(): void {
    const marks = this.allMarks();
    for (const panel of this.panels) panel.setMarks(marks, this.selected);
    this.side.marks(marks, this.selected);
    this.toolbar.enable("undo", this.info.can_undo);
    this.toolbar.enable("redo", this.info.can_redo);
    this.toolbar.enable("remove", this.selected !== undefined);
  }

  private showSaved(state: SaveState): void {
    this.saveState = state;
    this.status.save(state, this.late ? this.drafts.all.length : 0);
  }

  // -- layout --------------------------------------------------------------------------------------

  private maximise(panel: PlanePanel | undefined): void {
    this.maximised = panel;
    this.stage.classList.toggle("rr-one", panel !== undefined);
    for (const one of this.panels) one.element.classList.toggle("rr-maximised", one === panel);
  }

  private toggleHelp(open: boolean): void {
    this.help.hidden = !open;
    this.toolbar.expanded("help", open);
    if (open) this.help.focus();
    else this.active.element.focus({ preventScroll: true });
  }

  private toggleList(open: boolean): void {
    this.element.classList.toggle("rr-without-side", !open);
    this.toolbar.expanded("list", open);
  }
}

function sizesOf(info: RoomInfo): Map<string, number> {
  return new Map(info.planes.map((plane) => [plane.name, plane.slices]));
}

function hasWebGL(): boolean {
  try {
    const context = document.createElement("canvas").getContext("webgl2");
    context?.getExtension("WEBGL_lose_context")?.loseContext(); // browsers allow only some 16 at a time
    return context !== null;
  } catch {
    return false;
  }
}
