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
  { tool: "arrow", name: "Arrow", key: "T", icon: "arrow", hint: "Drag from the tip outwards, then write" },
];

/** The tools that make sense for this case. */
export function toolsOf(room: Room): { gestures: ToolCommand[]; drawing: ToolCommand[] } {
  const planes = room.planes.length > 1;
  const leaf = room.planes.some((plane) => plane.slices > 1);
  return {
    gestures: gestures.filter(({ tool }) => (tool === "navigate" ? planes : tool === "scroll" ? leaf : true)),
    drawing: drawing.filter(({ tool }) => room.tools.includes(tool as Kind)),
  };
}

export function isDrawing(tool: Tool): tool is Kind {
  return drawing.some((command) => command.tool === tool);
}

export const kindNames: Record<Kind, string> = {
  length: "Length",
  angle: "Angle",
  ellipse: "Ellipse",
  region: "Region",
  arrow: "Arrow",
};

/** Keys beside those of the tools, for the help card. */
export const otherKeys: [string, string][] = [
  ["↑ ↓", "image before, after"],
  ["Page ↑ ↓", "ten images"],
  ["+ −", "zoom in, out"],
  ["1 … 9", "window presets"],
  ["0", "reset"],
  ["M", "one plane, all planes"],
  ["Ctrl Z", "undo"],
  ["Ctrl Shift Z", "redo"],
  ["Delete", "remove the chosen mark"],
  ["Esc", "give up a stroke; back to the first tool"],
];
