/** The picture: three.js, drawn when something has changed and at no other time. */
import {
  Color,
  DirectionalLight,
  Group,
  HemisphereLight,
  NeutralToneMapping,
  PerspectiveCamera,
  Raycaster,
  Scene,
  Spherical,
  Vector2,
  Vector3,
  WebGLRenderer,
} from "three";
import { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
import { boxAround, edgeLetters, fittingDistance, TOWARDS_CAMERA, type Box, type Side, type Vector } from "./directions.ts";
import { decodeMesh } from "./mesh_decoder.ts";
import type { MeshHeader, Structure } from "./scene.ts";
import { Solid } from "./solid.ts";
import { tapOn } from "./tap.ts";

const FOV_DEG = 28; // long lens: little perspective, as in an atlas
const MARGIN = 1.06;
const TURN_MS = 420;
const KEY_TURN_RAD = Math.PI / 18;

/** Where the pin is in the picture, CSS pixels; `behind` if the surface there faces away. */
export interface Pin {
  x: number;
  y: number;
  behind: boolean;
}

/** What the stage tells the room. */
export interface StageEvents {
  /** A tap met this structure there (LPS mm), or nothing. */
  picked(id: string, point_lps_mm: Vector | null): void;
  /** A picture was drawn: the letters at its edges, and where the pin is (null: beyond the rim). */
  drawn(letters: { left: string; right: string; top: string; bottom: string }, pin: Pin | null): void;
  /** The graphics card took the picture away (true), or gave it back. */
  interrupted(lost: boolean): void;
}

export class Stage {
  private readonly renderer: WebGLRenderer;
  private readonly world = new Scene();
  private readonly camera = new PerspectiveCamera(FOV_DEG, 1, 1, 10_000);
  private readonly orbit: OrbitControls;
  private readonly solids = new Map<string, Solid>();
  private readonly raycaster = new Raycaster();
  private readonly undo: (() => void)[] = [];
  private readonly boxes: ReadonlyMap<string, Box>;
  private bounds: Box;
  private pin_lps_mm: Vector3 | null = null;
  private lastHit: { point: Vector3; normal: Vector3 } | null = null;
  private side: Side;
  private turned = false; // by hand, since the camera was last sent to a side
  private fit = 1; // how far off the camera stands to see everything
  private frame = 0;
  private turning = 0;

  /** Throws if the browser gives no WebGL 2. */
  constructor(
    private readonly host: HTMLElement,
    structures: readonly Structure[],
    side: Side,
    private readonly events: StageEvents,
  ) {
    this.side = side;
    this.renderer = new WebGLRenderer({ antialias: true, alpha: true, powerPreference: "high-performance" });
    this.renderer.toneMapping = NeutralToneMapping;
    this.renderer.setClearAlpha(0); // the backdrop is CSS
    const canvas = this.renderer.domElement;
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application"); // it takes the arrow keys
    canvas.setAttribute("aria-roledescription", "3D picture");
    host.prepend(canvas);

    this.camera.up.set(0, 0, 1);
    this.camera.add(...lamps());
    this.world.add(this.camera, new HemisphereLight(0xffffff, 0x8d8a88, 1.2));
    this.boxes = new Map(structures.map(({ id, mesh }) => [id, boxOf(mesh)]));
    this.bounds = boxAround([...this.boxes.values()])!;
    const size = this.middle().distanceTo(new Vector3(...this.bounds.low));
    this.camera.near = size / 50;
    this.camera.far = size * 40;

    this.orbit = new OrbitControls(this.camera, canvas);
    this.orbit.enableDamping = false;
    this.orbit.zoomToCursor = true;
    this.orbit.minDistance = size * 0.35;
    this.orbit.maxDistance = size * 25;
    this.orbit.addEventListener("change", () => this.invalidate());
    this.orbit.addEventListener("start", () => {
      this.turned = true;
      cancelAnimationFrame(this.turning);
    });

    this.listen(canvas, "wheel", (event: WheelEvent) => {
      // Until the picture has been clicked, the wheel scrolls the notebook.
      if (document.activeElement !== canvas && !event.ctrlKey) event.stopImmediatePropagation();
    }, { capture: true });
    this.listen(canvas, "keydown", (event: KeyboardEvent) => this.onKey(event));
    this.listen(canvas, "webglcontextlost", () => this.events.interrupted(true));
    this.listen(canvas, "webglcontextrestored", () => {
      this.events.interrupted(false);
      this.invalidate();
    });
    this.undo.push(tapOn(canvas, (x, y) => this.pickAt(x, y)));

    const observer = new ResizeObserver(() => this.resize());
    observer.observe(host);
    this.undo.push(() => observer.disconnect());
    this.resize();
  }

  /** Adds a structure, from the bytes that the kernel sent. */
  async add(structure: Structure, payload: BufferSource): Promise<void> {
    const solid = new Solid(structure, await decodeMesh(structure.mesh, payload));
    if (this.undo.length === 0) return solid.dispose(); // disposed of while the bytes were unpacked
    this.solids.get(structure.id)?.dispose();
    this.solids.set(structure.id, solid);
    this.world.add(solid.mesh);
  }

  has(id: string): boolean {
    return this.solids.has(id);
  }

  /** Draws these structures and no others. */
  dress(visible: (id: string) => boolean, opacity: (id: string) => number, picked: string): void {
    this.bounds = boxAround([...this.boxes].filter(([id]) => visible(id)).map(([, box]) => box)) ?? this.bounds;
    for (const [id, solid] of this.solids) {
      solid.mesh.visible = visible(id) && opacity(id) > 0;
      solid.setOpacity(opacity(id));
      solid.setPicked(id === picked);
    }
    this.invalidate();
  }

  /** Pins the label to a place, or takes the pin out. */
  setPin(point_lps_mm: readonly number[] | null): void {
    this.pin_lps_mm = point_lps_mm?.length === 3 ? new Vector3(...(point_lps_mm as [number, number, number])) : null;
    this.invalidate();
  }

  /** Turns the camera to a side of the patient, with all that is visible in view. */
  lookFrom(side: Side, animate: boolean): void {
    this.side = side;
    this.turned = false;
    cancelAnimationFrame(this.turning);
    const goal = new Spherical().setFromVector3(zUpToYUp(new Vector3(...TOWARDS_CAMERA[side])));
    goal.radius = this.fit = this.distanceFrom(side);
    const middle = this.middle();
    const from = this.around();
    const shift = this.orbit.target.clone();
    if (!animate) return this.place(goal, middle);
    // Turn the short way round.
    goal.theta = from.theta + Math.atan2(Math.sin(goal.theta - from.theta), Math.cos(goal.theta - from.theta));
    const begun = performance.now();
    const step = (now: number) => {
      const part = Math.min(1, Math.max(0, (now - begun) / TURN_MS));
      const eased = part * part * (3 - 2 * part);
      const mix = (a: number, b: number) => a + (b - a) * eased;
      const here = new Spherical(mix(from.radius, goal.radius), mix(from.phi, goal.phi), mix(from.theta, goal.theta));
      this.place(here, shift.clone().lerp(middle, eased));
      if (part < 1) this.turning = requestAnimationFrame(step);
    };
    this.turning = requestAnimationFrame(step);
  }

  setLabel(text: string): void {
    this.renderer.domElement.setAttribute("aria-label", text);
  }

  dispose(): void {
    cancelAnimationFrame(this.frame);
    cancelAnimationFrame(this.turning);
    for (const undo of this.undo.splice(0)) undo();
    for (const solid of this.solids.values()) solid.dispose();
    this.orbit.dispose();
    this.renderer.dispose();
    this.renderer.forceContextLoss();
    this.renderer.domElement.remove();
  }

  private invalidate(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  private draw(): void {
    this.renderer.render(this.world, this.camera);
    const across = new Vector3().setFromMatrixColumn(this.camera.matrixWorld, 0);
    const up = new Vector3().setFromMatrixColumn(this.camera.matrixWorld, 1);
    const letters = (v: Vector3) => edgeLetters([v.x, v.y, v.z]);
    this.events.drawn(
      {
        right: letters(across),
        left: letters(across.clone().negate()),
        top: letters(up),
        bottom: letters(up.clone().negate()),
      },
      this.pinOnScreen(),
    );
  }

  private pinOnScreen(): Pin | null {
    if (!this.pin_lps_mm) return null;
    const { x, y, z } = this.pin_lps_mm.clone().project(this.camera);
    if (Math.abs(x) > 1 || Math.abs(y) > 1 || z > 1) return null;
    // A point that Python set has no normal: it is shown as if it were in front.
    const here = this.lastHit && this.lastHit.point.distanceTo(this.pin_lps_mm) < 1e-3 ? this.lastHit : null;
    const behind = here !== null && this.camera.position.clone().sub(here.point).dot(here.normal) < 0;
    return { x: ((x + 1) / 2) * this.host.clientWidth, y: ((1 - y) / 2) * this.host.clientHeight, behind };
  }

  private pickAt(clientX: number, clientY: number): void {
    const box = this.renderer.domElement.getBoundingClientRect();
    const seen = new Vector2(((clientX - box.left) / box.width) * 2 - 1, 1 - ((clientY - box.top) / box.height) * 2);
    this.raycaster.setFromCamera(seen, this.camera);
    const candidates = [...this.solids.values()].filter((solid) => solid.pickable).map((solid) => solid.mesh);
    const hit = this.raycaster.intersectObjects(candidates, false)[0];
    this.lastHit = hit?.face ? { point: hit.point.clone(), normal: hit.face.normal.clone() } : null;
    this.events.picked(hit?.object.name ?? "", hit ? [hit.point.x, hit.point.y, hit.point.z] : null);
  }

  private onKey(event: KeyboardEvent): void {
    const turn: Record<string, [number, number]> = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    };
    const zoom: Record<string, number> = { "+": 1 / 1.15, "=": 1 / 1.15, "-": 1.15, "_": 1.15 };
    const here = this.around();
    if (turn[event.key] && !event.ctrlKey && !event.metaKey) {
      here.theta += turn[event.key]![0] * KEY_TURN_RAD;
      here.phi += turn[event.key]![1] * KEY_TURN_RAD;
      here.makeSafe();
    } else if (zoom[event.key] && !event.ctrlKey && !event.metaKey) {
      here.radius *= zoom[event.key]!;
    } else if (event.key === "Home") {
      this.lookFrom(this.side, false);
      event.preventDefault();
      event.stopPropagation();
      return;
    } else return;
    // The notebook has uses of its own for these keys.
    event.preventDefault();
    event.stopPropagation();
    this.turned = true;
    this.place(here, this.orbit.target.clone());
  }

  /** The camera's place around what it looks at, in the y-up coordinates of `Spherical`. */
  private around(): Spherical {
    return new Spherical().setFromVector3(zUpToYUp(this.camera.position.clone().sub(this.orbit.target)));
  }

  private place(around: Spherical, target: Vector3): void {
    const radius = Math.min(Math.max(around.radius, this.orbit.minDistance), this.orbit.maxDistance);
    const offset = new Vector3().setFromSpherical(new Spherical(radius, around.phi, around.theta));
    this.orbit.target.copy(target);
    this.camera.position.copy(yUpToZUp(offset)).add(target);
    this.orbit.update();
    this.invalidate();
  }

  private distanceFrom(side: Side): number {
    const towards = new Vector3(...TOWARDS_CAMERA[side]).normalize();
    const across = new Vector3(0, 0, 1).cross(towards).normalize();
    const up = towards.clone().cross(across);
    const view = { towards: towards.toArray(), across: across.toArray(), up: up.toArray() };
    return fittingDistance(this.bounds, view, FOV_DEG, this.camera.aspect) * MARGIN;
  }

  private middle(): Vector3 {
    return new Vector3(...this.bounds.low).add(new Vector3(...this.bounds.high)).multiplyScalar(0.5);
  }

  private resize(): void {
    const { clientWidth: width, clientHeight: height } = this.host;
    if (!width || !height) return; // in a closed tab or a folded cell
    this.renderer.setPixelRatio(Math.min(window.devicePixelRatio, 2));
    this.renderer.setSize(width, height);
    this.camera.aspect = width / height;
    this.camera.updateProjectionMatrix();
    const before = this.fit;
    this.fit = this.distanceFrom(this.side);
    if (!this.turned) this.lookFrom(this.side, false);
    else {
      const here = this.around();
      here.radius *= this.fit / before; // what filled the picture goes on filling it
      this.place(here, this.orbit.target.clone());
    }
    this.draw(); // now: a canvas that has been resized is blank until it is drawn again
  }

  private listen<E extends Event>(
    target: EventTarget,
    type: string,
    listener: (event: E) => void,
    options?: AddEventListenerOptions,
  ): void {
    target.addEventListener(type, listener as EventListener, options);
    this.undo.push(() => target.removeEventListener(type, listener as EventListener, options));
  }
}

function boxOf({ origin_lps_mm: low, size_mm: size }: MeshHeader): Box {
  return { low, high: [low[0] + size[0], low[1] + size[1], low[2] + size[2]] };
}

/** Lights that travel with the camera, so that every side is lit alike: key, fill, rim. */
function lamps(): (DirectionalLight | Group)[] {
  const lamp = (colour: number, strength: number, x: number, y: number, z: number) => {
    const light = new DirectionalLight(new Color(colour), strength);
    light.position.set(x, y, z);
    const carried = new Group();
    carried.add(light, light.target);
    return carried;
  };
  return [lamp(0xfffaf4, 2.2, -0.55, 0.9, 0.8), lamp(0xdbe7ff, 0.55, 0.9, -0.1, 0.6), lamp(0xffffff, 0.8, 0.2, 0.7, -0.9)];
}

function zUpToYUp({ x, y, z }: Vector3): Vector3 {
  return new Vector3(x, z, -y);
}

function yUpToZUp({ x, y, z }: Vector3): Vector3 {
  return new Vector3(x, -z, y);
}
