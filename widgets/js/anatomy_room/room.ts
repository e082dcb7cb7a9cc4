/** The anatomy room: the picture, the list and the card, kept in step with Python. */
import { loadEngine, type Model } from "../common/engine_loader.ts";
import { element } from "../common/element.ts";
import { SIDES, type Side } from "./directions.ts";
import { fade, hide, History, isolate, same, show, type Dissection } from "./dissection.ts";
import { MeshRequests } from "./mesh_requests.ts";
import type { Scene, Structure } from "./scene.ts";
import type { Pin, Stage, StageEvents } from "./stage.ts";
import { StructureCard } from "./structure_card.ts";
import { StructureList } from "./structure_list.ts";

type Engine = { Stage: new (host: HTMLElement, structures: readonly Structure[], side: Side, events: StageEvents) => Stage };

const HINT = "Click a structure in the picture, or its name in the list, to read about it.";
const HELP =
  "Drag to turn, wheel or pinch to zoom, right-drag to move. With the keyboard: arrows turn, + and − zoom, Home goes back.";

export class Room {
  private readonly scene: Scene;
  private readonly history = new History();
  private readonly requests: MeshRequests;
  private readonly list: StructureList;
  private readonly card: StructureCard;
  private readonly host = element("div", { class: "ck-anatomy-host" });
  private readonly edges = {
    top: edge("top"),
    bottom: edge("bottom"),
    left: edge("left"),
    right: edge("right"),
  };
  private readonly pin = element("div", { class: "ck-anatomy-pin", hidden: true });
  private readonly status = element("div", { class: "ck-anatomy-status", role: "status" });
  private readonly spoken = element("p", { class: "ck-sr-only", role: "status" });
  private readonly sides = new Map<Side, HTMLButtonElement>();
  private readonly undoButton = element(
    "button",
    { type: "button", class: "ck-button ck-quiet", click: () => this.stepBack() },
    "Undo",
  );
  private readonly first: Dissection;
  private readonly unlisten: (() => void)[] = [];
  private stage: Stage | null = null;
  private disposed = false;
  private setHeight = () => {};

  constructor(
    private readonly model: Model,
    root: HTMLElement,
  ) {
    this.scene = model.get("scene") as Scene;
    this.requests = new MeshRequests(model);
    this.first = { hidden: this.scene.structures.filter(({ visible }) => !visible).map(({ id }) => id), opacities: {} };
    this.list = new StructureList(this.scene, {
      shown: (ids, visible) => this.change((visible ? show : hide)(this.dissection, ids)),
      picked: (id) => this.pick(id === this.picked ? "" : id, null),
    });
    this.card = new StructureCard(
      {
        hidden: (id) => this.change(hide(this.dissection, [id])),
        shown: (id) => this.change(show(this.dissection, [id])),
        isolated: (id) => this.change(isolate(this.dissection, id, this.ids)),
        faded: (id, opacity, settled) => {
          this.change(fade(this.dissection, id, opacity), `opacity of ${id}`);
          if (settled) this.history.settle();
        },
      },
      [HINT, HELP],
    );
    this.furnish(root);
    this.follow();
    this.refresh();
    void this.openStage();
  }

  dispose(): void {
    this.disposed = true;
    for (const unlisten of this.unlisten) unlisten();
    this.requests.dispose();
    this.stage?.dispose();
    this.stage = null;
  }

  // ---- what is so ----

  private get ids(): string[] {
    return this.scene.structures.map(({ id }) => id);
  }

  private get dissection(): Dissection {
    return {
      hidden: this.model.get("hidden") as string[],
      opacities: this.model.get("opacities") as Record<string, number>,
    };
  }

  private get picked(): string {
    return this.model.get("picked") as string;
  }

  private structure(id: string): Structure | null {
    return this.scene.structures.find((structure) => structure.id === id) ?? null;
  }

  // ---- what the student does ----

  private change(next: Dissection, key = ""): void {
    const now = this.dissection;
    if (same(now, next)) return;
    this.history.record(now, key);
    this.set(next);
  }

  private stepBack(): void {
    const before = this.history.undo();
    if (before) this.set(before);
  }

  private startAgain(): void {
    this.change(this.first);
    this.pick("", null);
    this.look("left");
  }

  private set({ hidden, opacities }: Dissection): void {
    this.model.set("hidden", [...hidden]);
    this.model.set("opacities", { ...opacities });
    this.model.save_changes();
    this.refresh();
  }

  private pick(id: string, point_lps_mm: readonly number[] | null): void {
    this.model.set("picked", id);
    this.model.set("picked_point_lps_mm", point_lps_mm ? [...point_lps_mm] : []);
    this.model.save_changes();
    this.refresh();
    this.list.reveal(id);
    this.spoken.textContent = id ? `Picked: ${this.structure(id)?.name ?? id}` : "";
  }

  private look(side: Side): void {
    this.model.set("view", side);
    this.model.save_changes();
    this.turn();
  }

  // ---- what is shown ----

  private furnish(root: HTMLElement): void {
    const prompt = this.model.get("prompt") as string;
    const buttons = SIDES.map((side) => {
      const button = element(
        "button",
        { type: "button", class: "ck-button", "aria-label": `View from ${side}`, click: () => this.look(side) },
        side[0]!.toUpperCase() + side.slice(1),
      );
      this.sides.set(side, button);
      return button;
    });
    const resetButton = element(
      "button",
      { type: "button", class: "ck-button ck-quiet", title: "Everything as it was at the start", click: () => this.startAgain() },
      "Reset",
    );
    root.classList.add("ck", "ck-anatomy");
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", `Anatomy room: ${this.scene.title}`);
    this.setHeight = () => root.style.setProperty("--height", `${this.model.get("height_px") as number}px`);
    this.setHeight();
    root.append(
      ...(prompt ? [element("p", { class: "ck-anatomy-prompt" }, prompt)] : []),
      element(
        "div",
        { class: "ck-anatomy-bar", role: "toolbar", "aria-label": "View" },
        element("div", { class: "ck-anatomy-sides", role: "group", "aria-label": "View from" }, ...buttons),
        element("div", { class: "ck-anatomy-steps" }, this.undoButton, resetButton),
      ),
      element(
        "div",
        { class: "ck-anatomy-body" },
        element(
          "div",
          { class: "ck-anatomy-picture" },
          this.host,
          ...Object.values(this.edges),
          this.pin,
          this.status,
        ),
        element("div", { class: "ck-anatomy-panel" }, this.list.node, this.card.node),
      ),
      this.spoken,
    );
  }

  /** Follows what Python, or another view of this room, changes. */
  private follow(): void {
    const on = (event: string, react: () => void) => {
      this.model.on(event, react);
      this.unlisten.push(() => this.model.off(event, react));
    };
    on("change:hidden", () => this.refresh());
    on("change:opacities", () => this.refresh());
    on("change:picked", () => this.refresh());
    on("change:picked_point_lps_mm", () => this.refresh());
    on("change:view", () => this.turn());
    on("change:height_px", () => this.setHeight());
  }

  private refresh(): void {
    const now = this.dissection;
    const structure = this.structure(this.picked);
    this.list.update(now, this.picked);
    this.card.update(structure, now);
    this.undoButton.disabled = !this.history.canUndo;
    if (!this.stage) return;
    const visible = (id: string) => !now.hidden.includes(id);
    this.stage.dress(visible, (id) => now.opacities[id] ?? 1, this.picked);
    const point = structure && visible(structure.id) ? (this.model.get("picked_point_lps_mm") as number[]) : null;
    this.pin.dataset.name = structure?.name ?? "";
    this.stage.setPin(point);
    const drawn = this.scene.structures.filter(({ id }) => visible(id)).map(({ name }) => name);
    this.stage.setLabel(`${drawn.join(", ") || "Nothing: all structures are hidden"}. ${HELP}`);
    void this.fetchMissing();
  }

  private turn(): void {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.stage?.lookFrom(this.model.get("view") as Side, !calm);
  }

  private async openStage(): Promise<void> {
    const side = this.model.get("view") as Side;
    try {
      if (!hasWebGL()) throw new NoPicture();
      this.say("Loading the picture…");
      const { Stage } = await loadEngine<Engine>(this.model, "anatomy_room_engine");
      if (this.disposed) return;
      this.stage = new Stage(this.host, this.scene.structures, side, {
        picked: (id, point_lps_mm) => this.pick(id, point_lps_mm),
        drawn: (letters, pin) => this.drawOver(letters, pin),
        interrupted: (lost) => this.say(lost ? "The graphics card took a break. The picture comes back by itself." : ""),
      });
      this.refresh();
    } catch (reason) {
      console.warn("clerkship anatomy room:", reason);
      this.say(
        reason instanceof NoPicture
          ? "This browser cannot draw in 3D (WebGL is off or missing). The list still names and describes every structure."
          : `The picture could not be loaded: ${reason instanceof Error ? reason.message : String(reason)}. Run the cell again to retry.`,
      );
    }
  }

  /** Asks for the meshes that are to be drawn and have not come yet. */
  private async fetchMissing(): Promise<void> {
    const stage = this.stage;
    const { hidden } = this.dissection;
    const missing = this.scene.structures.filter(({ id }) => !hidden.includes(id) && !stage?.has(id));
    if (!stage || missing.length === 0) return;
    this.say("Loading the picture…");
    const arrivals = await Promise.allSettled(
      missing.map(async (structure) => {
        const bytes = await this.requests.fetch(structure.id);
        if (this.stage !== stage || stage.has(structure.id)) return;
        await stage.add(structure, bytes as DataView<ArrayBuffer>);
      }),
    );
    if (this.stage !== stage) return;
    const failed = arrivals.find((arrival) => arrival.status === "rejected");
    this.say(failed ? "Part of the picture did not arrive. Run the cell again to retry." : "");
    if (!failed) this.refresh();
  }

  private drawOver(letters: Record<keyof Room["edges"], string>, pin: Pin | null): void {
    for (const [where, text] of Object.entries(letters)) {
      const node = this.edges[where as keyof Room["edges"]];
      if (node.textContent !== text) node.textContent = text;
    }
    this.pin.hidden = !pin || !this.pin.dataset.name;
    if (!pin) return;
    this.pin.style.transform = `translate(${pin.x.toFixed(1)}px, ${pin.y.toFixed(1)}px)`;
    this.pin.classList.toggle("ck-behind", pin.behind);
    this.pin.classList.toggle("ck-leftwards", pin.x > this.host.clientWidth / 2); // where there is room for the name
  }

  private say(text: string): void {
    this.status.textContent = text;
    this.status.hidden = !text;
  }
}

class NoPicture extends Error {}

function hasWebGL(): boolean {
  const context = document.createElement("canvas").getContext("webgl2");
  context?.getExtension("WEBGL_lose_context")?.loseContext(); // browsers allow only a few at a time
  return context !== null;
}

function edge(where: string): HTMLElement {
  return element("span", { class: `ck-anatomy-edge ck-${where}`, "aria-hidden": "true" });
}
