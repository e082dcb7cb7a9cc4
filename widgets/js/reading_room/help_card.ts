// The card behind "?": what the mouse and the keys do.
import { otherKeysOf, toolsOf } from "./commands.ts";
import { element, rendered } from "../common/element.ts";
import { icon } from "./icons.ts";
import type { Room } from "./protocol.ts";

export function helpCard(room: Room, close: () => void): HTMLElement {
  const { gestures, drawing } = toolsOf(room);
  const rows = [
    ...[...gestures, ...drawing].map(({ key, name, hint }) => [key, `${name}: ${hint.charAt(0).toLowerCase()}${hint.slice(1)}`] as const),
    ...otherKeysOf(room),
  ];
  return element(
    "div",
    { class: "rr-help", role: "dialog", "aria-label": "Keys and mouse", tabindex: "-1", hidden: true },
    element("h3", {}, "Keys and mouse"),
    rendered("button", icon("close"), { type: "button", class: "ck-button ck-quiet ck-icon", "aria-label": "Close", click: close }),
    element("dl", {}, ...rows.flatMap(([key, does]) => [element("dt", {}, ...key.split(" ").map((one) => element("kbd", {}, one))), element("dd", {}, does)])),
    element("p", { class: "ck-muted" }, `The keys work while the image or the toolbar has the focus.${room.planes.length > 1 ? " Double click shows one plane alone." : ""}`),
  );
}
