/** One structure as three.js draws it. */
import { BufferAttribute, BufferGeometry, Color, Mesh, MeshBasicMaterial, MeshStandardMaterial } from "three";
import type { DecodedMesh } from "./mesh_decoder.ts";
import type { Structure } from "./scene.ts";

// The depth of a groove keeps this much of each colour: darker, and a little redder, as tissue is.
const GROOVE = { r: 0.26, g: 0.15, b: 0.15 };
// A pale --ck-mark-active: it multiplies the structure's own colours, so the folds stay readable.
const PICKED = new Color().setRGB(0.5, 1.12, 1.2);
const PLAIN = new Color(0xffffff);
const FAINTEST_PICKABLE = 0.15;

export class Solid {
  readonly mesh: Mesh<BufferGeometry, [MeshBasicMaterial, MeshStandardMaterial]>;
  private readonly surface: MeshStandardMaterial;
  private readonly depth: MeshBasicMaterial;

  constructor(structure: Structure, { positions, indices, shade }: DecodedMesh) {
    const geometry = new BufferGeometry();
    geometry.setAttribute("position", new BufferAttribute(positions, 3));
    geometry.setIndex(new BufferAttribute(positions.length / 3 < 65_536 ? new Uint16Array(indices) : indices, 1));
    geometry.setAttribute("color", new BufferAttribute(colours(structure.colour, shade, positions.length / 3), 3, true));
    geometry.computeVertexNormals();
    geometry.computeBoundingSphere();
    // Drawn twice when transparent: depth first, then colour.  Without the first pass the folds of
    // a surface shine through each other in whatever order their triangles come.
    geometry.addGroup(0, Infinity, 0);
    geometry.addGroup(0, Infinity, 1);
    this.depth = new MeshBasicMaterial({ colorWrite: false, transparent: true });
    this.surface = new MeshStandardMaterial({ vertexColors: true, roughness: 0.62, metalness: 0 });
    this.mesh = new Mesh(geometry, [this.depth, this.surface]);
    this.mesh.name = structure.id;
    // Smaller lies inside larger here, and what lies inside must be blended first.
    this.mesh.renderOrder = geometry.boundingSphere!.radius;
    this.setOpacity(1);
  }

  setOpacity(opacity: number): void {
    const clear = opacity < 1;
    this.depth.visible = clear;
    this.surface.opacity = opacity;
    if (this.surface.transparent !== clear) {
      this.surface.transparent = clear;
      this.surface.needsUpdate = true;
    }
  }

  setPicked(picked: boolean): void {
    this.surface.color.copy(picked ? PICKED : PLAIN);
    this.surface.emissive.copy(PICKED).multiplyScalar(picked ? 0.03 : 0);
  }

  /** Neither hidden nor so faint that a click on it would surprise. */
  get pickable(): boolean {
    return this.mesh.visible && this.surface.opacity >= FAINTEST_PICKABLE;
  }

  dispose(): void {
    this.mesh.removeFromParent();
    this.mesh.geometry.dispose();
    this.surface.dispose();
    this.depth.dispose();
  }
}

/** Linear colours of all points, 0 to 65535: the structure's colour on crests, darker in grooves. */
function colours(bright: string, shade: Uint8Array | null, points: number): Uint16Array {
  const crest = new Color(bright);
  const groove = new Color(crest.r * GROOVE.r, crest.g * GROOVE.g, crest.b * GROOVE.b);
  const ramp = new Uint16Array(3 * 256);
  const here = new Color();
  for (let light = 0; light < 256; light++) {
    here.lerpColors(groove, crest, light / 255);
    ramp.set([here.r * 65535, here.g * 65535, here.b * 65535], 3 * light);
  }
  const all = new Uint16Array(3 * points);
  for (let i = 0; i < points; i++) {
    const light = shade ? shade[i]! : 255;
    all.set(ramp.subarray(3 * light, 3 * light + 3), 3 * i);
  }
  return all;
}
