// Everything that can be done in the room, with its name, key and icon: toolbar, keys and help agree.
import type { Gesture } from "./gestures.ts";
import type { Icon } from "./icons.ts";
import type { Kind, Room } from "./protocol.ts";

export type Tool = Gesture | Kind;

export interface ToolCommand {
  tool: Tool;
  name: string;
  key: string;
  icon: Icon;
  hint: string;
}

const gestures: ToolCommand[] = [
  { tool: "navigate", name: "Crosshair", key: "C", icon: "navigate", hint: "Click or drag: the other planes follow" },
  { tool: "window", name: "Window", key: "W", icon: "window", hint: "Drag right or left: width; up or down: level" },
  { tool: "zoom", name: "Zoom", key: "Z", icon: "zoom", hint: "Drag up or down (also the right mouse button)" },
  { tool: "pan", name: "Pan", key: "P", icon: "pan", hint: "Drag the image (also the middle mouse button)" },
  { tool: "scroll", name: "Scroll", key: "S", icon: "scroll", hint: "Drag up or down through the images (also the wheel)" },
];

const drawing: ToolCommand[] = [
  { tool: "length", name: "Length", key: "L", icon: "length", hint: "Drag from end to end" },
  { tool: "angle", name: "Angle", key: "A", icon: "angle", hint: "Drag one arm to the vertex, then click the end of the other" },
  { tool: "ellipse", name: "Ellipse", key: "E", icon: "ellipse", hint: "Drag from the middle outwards" },
  { tool: "region", name: "Region", key: "R", icon: "region", hint: "Draw around it with the button held down" },
  { tool: "point", name: "Point", key: "D", icon: "point", hint: "Click on the place" },
  { tool: "arrow", name: "Arrow", key: "T", icon: "arrow", hint: "Drag from the tip outwards, then write" },
];

/** The tools that make sense for this case. */
export function toolsOf(room: Room): { gestures: ToolCommand[]; drawing: ToolCommand[] } {
  const planes = room.planes.length > 1;
  const leaf = room.planes.some((plane) => plane.slices > 1);
  return {
    gestures: gestures.filter(({ tool }) => (tool === "navigate" ? planes : tool === "scroll" ? leaf : tool === "window" ? !room.colour : true)),
    drawing: drawing.filter(({ tool }) => room.tools.includes(tool as Kind)),
  };
}

/** What the main button does when a room opens. */
export function firstTool(room: Room): Tool {
  const leaf = room.planes[0]!.slices > 1;
  if (room.planes.length === 1) {
    // A finger has no wheel to leaf with.
    if (leaf && (room.colour || matchMedia("(pointer: coarse)").matches)) return "scroll";
    if (room.colour) return "pan";
  }
  return toolsOf(room).gestures[0]!.tool;
}

/** Why a room has no window tool. */
export const NO_WINDOW = "Colour images are shown as they are; there is no window to set.";

export function isDrawing(tool: Tool): tool is Kind {
  return drawing.some((command) => command.tool === tool);
}

export const kindNames: Record<Kind, string> = {
  length: "Length",
  angle: "Angle",
  ellipse: "Ellipse",
  region: "Region",
  arrow: "Arrow",
  point: "Point",
};

/** Keys beside those of the tools, for the help card. */
export function otherKeysOf(room: Room): [string, string][] {
  const leaf = room.planes.some((plane) => plane.slices > 1);
  const image = room.cine ? "frame" : "image";
  const keys: [string, string, boolean][] = [
    ["Space", "play, pause", room.cine !== null],
    ["↑ ↓", `${image} before, after`, leaf],
    ["Page ↑ ↓", `ten ${image}s`, leaf],
    ["+ −", "zoom in, out", true],
    ["1 … 9", "window presets", !room.colour],
    ["0", "reset", true],
    ["M", "one plane, all planes", room.planes.length > 1],
    ["Ctrl Z", "undo", room.tools.length > 0],
    ["Ctrl Shift Z", "redo", room.tools.length > 0],
    ["Delete", "remove the chosen mark", room.tools.length > 0],
    ["Esc", "give up a stroke; back to the first tool", true],
  ];
  return keys.filter(([, , wanted]) => wanted).map(([key, does]) => [key, does]);
}

/** What keys and buttons ask of the room. */
export type Action = "undo" | "redo" | "remove" | "reset" | "layout" | "help" | "list" | "play";

/** What the keys need of the room. */
export interface Commanded {
  readonly info: Room;
  do(action: Action): void;
  setTool(tool: Tool): void;
  choosePreset(choice: string): void;
  scroll(steps: number): void;
  zoom(factor: number): void;
  escape(): void;
}
