// The toolbar: one roving tab stop, arrow keys between buttons (WAI-ARIA toolbar pattern).
import { type Action, type Tool, type ToolCommand, toolsOf } from "./commands.ts";
import { element, rendered } from "../common/element.ts";
import { type Icon, icon } from "./icons.ts";
import type { Room } from "./protocol.ts";

export interface ToolbarEvents {
  tool(tool: Tool): void;
  preset(choice: string): void; // index of a preset, or "auto"
  label(label: string): void;
  speed(speed: number): void;
  do(action: Action): void;
}

export class Toolbar {
  readonly element: HTMLElement;
  private readonly tools = new Map<Tool, HTMLButtonElement>();
  private readonly actions = new Map<string, HTMLButtonElement>();
  private readonly presets: HTMLSelectElement;

  constructor(room: Room, events: ToolbarEvents) {
    const { gestures, drawing } = toolsOf(room);
    const toolButton = (command: ToolCommand) => {
      const button = this.button(command.icon, `${command.name} (${command.key})`, () => events.tool(command.tool), command.hint);
      button.setAttribute("aria-pressed", "false");
      button.dataset.tool = command.tool;
      this.tools.set(command.tool, button);
      return button;
    };
    const action = (name: Action, title: string) => {
      const button = this.button(name, title, () => events.do(name));
      button.dataset.action = name;
      this.actions.set(name, button);
      return button;
    };
    const group = (label: string, ...children: Node[]) => element("div", { class: "rr-group", role: "group", "aria-label": label }, ...children);
    this.presets = element(
      "select",
      { class: "ck-select rr-presets", "aria-label": "Window preset", title: "Window presets (keys 1 to 9)", change: () => events.preset(this.presets.value) },
      ...room.windows.map((preset, n) => element("option", { value: n }, capital(preset.name))),
      element("option", { value: "auto" }, "Auto (this image)"),
      element("option", { value: "manual", hidden: true }, "By hand"),
    );
    const speed = element(
      "select",
      { class: "ck-select rr-speed", "aria-label": "Speed", title: "Speed", change: () => events.speed(Number(speed.value)) },
      ...[["1", "1×"], ["0.5", "½×"], ["0.25", "¼×"]].map(([value, text]) => element("option", { value: value! }, text!)),
    );
    const labels = element(
      "select",
      { class: "ck-select rr-labels", "aria-label": "Label of new marks", title: "New marks carry this label", change: () => events.label(labels.value) },
      ...room.labels.map((label) => element("option", { value: label }, label)),
    );
    this.element = element(
      "div",
      { class: "rr-toolbar", role: "toolbar", "aria-label": "Reading tools", keydown: (event: KeyboardEvent) => this.rove(event) },
      group("View", ...gestures.map(toolButton)),
      room.cine && group("Play", action("play", "Play (Space)"), speed),
      !room.colour && group("Window", this.presets),
      drawing.length > 0 && group("Mark", ...drawing.map(toolButton), ...(room.labels.length > 1 ? [labels] : [])),
      drawing.length > 0 && group("Change", action("undo", "Undo (Ctrl Z)"), action("redo", "Redo (Ctrl Shift Z)"), action("remove", "Remove the chosen mark (Delete)")),
      group(
        "Room",
        action("reset", "Reset window, zoom and position (0)"),
        ...(room.planes.length > 1 ? [action("layout", "One plane or all planes (M)")] : []),
        action("list", "Case and marks"),
        action("help", "Keys and mouse (?)"),
      ),
    );
    this.stops()[0]?.setAttribute("tabindex", "0");
  }

  press(tool: Tool): void {
    for (const [name, button] of this.tools) button.setAttribute("aria-pressed", String(name === tool));
  }

  enable(action: "undo" | "redo" | "remove", possible: boolean): void {
    // aria-disabled instead of disabled: the focus is not lost when the last step is undone.
    this.actions.get(action)?.setAttribute("aria-disabled", String(!possible));
  }

  /** Shows whether the frames are moving. */
  playing(moving: boolean): void {
    const button = this.actions.get("play");
    if (!button) return;
    button.innerHTML = icon(moving ? "pause" : "play");
    for (const name of ["title", "aria-label"]) button.setAttribute(name, moving ? "Pause (Space)" : "Play (Space)");
  }

  expanded(action: "help" | "list", open: boolean): void {
    this.actions.get(action)?.setAttribute("aria-expanded", String(open));
  }

  /** Shows which preset is in use: an index, "auto" or "manual". */
  preset(choice: string): void {
    this.presets.value = choice;
  }

  private button(name: Icon, title: string, act: () => void, hint = ""): HTMLButtonElement {
    const button = rendered("button", icon(name), {
      class: "ck-button ck-quiet ck-icon",
      type: "button",
      tabindex: "-1",
      title: hint ? `${title}\n${hint}` : title,
      "aria-label": title,
      click: () => button.getAttribute("aria-disabled") !== "true" && act(),
    });
    return button;
  }

  private stops(): HTMLElement[] {
    return [...this.element.querySelectorAll<HTMLElement>("button, select")];
  }

  private rove(event: KeyboardEvent): void {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || event.target instanceof HTMLSelectElement) return;
    event.preventDefault();
    event.stopPropagation();
    const stops = this.stops();
    const next = stops[(stops.indexOf(event.target as HTMLElement) + step + stops.length) % stops.length]!;
    for (const stop of stops) stop.tabIndex = stop === next ? 0 : -1;
    next.focus();
  }
}

function capital(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
