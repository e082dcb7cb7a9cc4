// What stands in place of a room that can't be opened: which case it is, why, and what to do.
import { element } from "../common/element.ts";
import type { Closed } from "./protocol.ts";

export function closedCard({ case: about, reason }: Closed, again: () => void): HTMLElement {
  const notHere = reason.includes("clerkship cases get");
  return element(
    "section",
    { class: "rr-closed", "aria-label": `Reading room: ${about.title}` },
    element("h3", {}, about.title),
    element("p", {}, notHere ? "The images of this case are not on this machine yet." : "The images of this case can't be opened."),
    notHere
      ? element("p", {}, "If this is your course, tell your teacher: it is quickly done. A teacher fetches them once for everybody with ", element("code", {}, `clerkship cases get ${about.id}`), ".")
      : element("p", {}, ...withCode(reason)),
    element("p", { class: "ck-muted" }, "Nothing is lost: what you have marked earlier is kept, and shows again with the images."),
    element("button", { type: "button", class: "ck-button ck-primary", click: again }, "Try again"),
  );
}

/** Words between backticks are commands. */
function withCode(text: string): (Node | string)[] {
  return text.split("`").map((part, n) => (n % 2 === 1 ? element("code", {}, part) : part));
}
