/** What the kernel says about a scene (see clerkship_widgets/scene.py), and small questions about it. */

export interface MeshHeader {
  points: number;
  triangles: number;
  origin_lps_mm: [number, number, number];
  size_mm: [number, number, number];
  step_mm: number;
  shaded: boolean;
}

export interface Structure {
  id: string;
  name: string;
  latin: string;
  side: string;
  group: string;
  colour: string;
  description: string;
  source: string;
  licence: string;
  ontology: string[];
  visible: boolean;
  mesh: MeshHeader;
}

export interface Group {
  id: string;
  name: string;
  description: string;
}

export interface Scene {
  id: string;
  title: string;
  groups: Group[];
  structures: Structure[];
}

/** Structures whose English or Latin name holds every word of `query`; all of them for an empty one. */
export function found(scene: Scene, query: string): Structure[] {
  const words = plain(query).split(/\s+/).filter(Boolean);
  return scene.structures.filter(({ name, latin, ontology }) => {
    const text = plain(`${name} ${latin} ${ontology.join(" ")}`);
    return words.every((word) => text.includes(word));
  });
}

/** Lower case, without accents, with every dash a space: so that "grey white" finds "grey–white". */
function plain(text: string): string {
  return text
    .normalize("NFD")
    .replace(/\p{Diacritic}/gu, "")
    .replace(/[-–—]/g, " ")
    .toLowerCase();
}
