// Keys of the room.  They never reach Jupyter, where a single letter may delete a cell.
import { type Commanded, toolsOf } from "./commands.ts";

export function handleKey(event: KeyboardEvent, room: Commanded): void {
  const target = event.target as HTMLElement;
  if (target.matches("input, textarea, select")) {
    event.stopPropagation();
    return;
  }
  if (act(event, room)) {
    event.preventDefault();
    event.stopPropagation();
  } else if (!["Tab", "Enter", " "].includes(event.key) && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.stopPropagation();
  }
}

function act(event: KeyboardEvent, room: Commanded): boolean {
  const { key } = event;
  const letter = key.toUpperCase();
  if (event.ctrlKey || event.metaKey) {
    if (letter === "Z") room.do(event.shiftKey ? "redo" : "undo");
    else if (letter === "Y") room.do("redo");
    else return false;
    return true;
  }
  if (event.altKey) return false;
  const scrolls: Record<string, number> = { ArrowUp: -1, ArrowDown: 1, PageUp: -10, PageDown: 10 };
  if (key in scrolls) room.scroll(scrolls[key]!);
  else if (key === "+" || key === "=") room.zoom(1.25);
  else if (key === "-") room.zoom(0.8);
  else if (key === "0") room.do("reset");
  else if (/^[1-9]$/.test(key)) room.choosePreset(String(Number(key) - 1));
  else if (key === " " && room.info.cine && !(event.target as HTMLElement).matches("button, summary")) room.do("play");
  else if (key === "?") room.do("help");
  else if (key === "Escape") room.escape();
  else if (key === "Delete" || key === "Backspace") room.do("remove");
  else if (letter === "M") room.do("layout");
  else {
    const { gestures, drawing } = toolsOf(room.info);
    const command = [...gestures, ...drawing].find((one) => one.key === letter);
    if (command) room.setTool(command.tool);
    else if (letter === "W") room.setTool("window"); // says why there is none
    else return false;
  }
  return true;
}
