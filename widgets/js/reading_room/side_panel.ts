// Beside the image: what the case is, whose it is, and the list of marks with their measurements.
import { kindNames } from "./commands.ts";
import { element, rendered } from "../common/element.ts";
import { icon } from "./icons.ts";
import type { Mark, Point3, Reference, Room } from "./protocol.ts";
import { referenceLegend } from "./reference_legend.ts";

export interface SideEvents {
  select(uid: string): void;
  remove(uid: string): void;
  goTo(point: Point3): void;
  relabel(uid: string, label: string): void;
}

export class SidePanel {
  readonly element: HTMLElement;
  private readonly list = element("ul", { class: "rr-list", "aria-label": "Marks" });
  private readonly count = element("span", { class: "ck-muted" });
  private readonly legend = element("div");
  private readonly room: Room;
  private readonly events: SideEvents;

  constructor(room: Room, events: SideEvents) {
    this.room = room;
    this.events = events;
    const { title, view, history, attribution, licence } = room.case;
    this.element = element(
      "aside",
      { class: "rr-side", "aria-label": "Case and marks" },
      element("h3", { class: "rr-title" }, title),
      element("p", { class: "rr-view ck-muted" }, view),
      element("p", { class: "rr-history" }, history),
      element("h4", { class: "rr-heading" }, "Marks ", this.count),
      this.list,
      this.legend,
      element("details", { class: "rr-source" }, element("summary", {}, "Source and licence"), element("p", {}, attribution), element("p", {}, licence)),
    );
  }

  marks(marks: readonly (Mark & { pending?: boolean })[], selected: string | undefined): void {
    this.count.textContent = marks.length > 0 ? String(marks.length) : "";
    if (marks.length === 0) {
      const hint = this.room.tools.length > 0 ? "Nothing marked yet. Choose a tool above and draw on the image." : "";
      this.list.replaceChildren(element("li", { class: "rr-empty ck-muted" }, hint));
      return;
    }
    const focus = this.list.contains(document.activeElement) ? document.activeElement!.closest("li")?.dataset.uid : undefined;
    const areas = marks.some(({ kind }) => kind === "ellipse" || kind === "region");
    this.list.replaceChildren(
      ...marks.map((mark) => this.item(mark, mark.uid === selected)),
      ...(this.room.colour && areas ? [element("li", { class: "rr-empty ck-muted" }, "Areas in a colour image have a size, but no mean value.")] : []),
    );
    // The list is new: whoever was in it with the keyboard stays there.
    const items = [...this.list.querySelectorAll<HTMLElement>("li")];
    if (focus) (items.find((item) => item.dataset.uid === focus) ?? items[0])?.querySelector("button")?.focus({ preventScroll: true });
  }

  /** Shows whose reference lies on the images, or nothing. */
  reference(reference: Reference | undefined): void {
    this.legend.replaceChildren(...(reference ? [referenceLegend(reference, (point) => this.events.goTo(point))] : []));
  }

  private item(mark: Mark & { pending?: boolean }, chosen: boolean): HTMLElement {
    const { labels } = this.room;
    const name = mark.label || kindNames[mark.kind];
    const choose = element(
      "button",
      { type: "button", class: "rr-choose", "aria-pressed": chosen, click: () => this.events.select(mark.uid) },
      rendered("span", icon(mark.kind), { class: "rr-kind", title: kindNames[mark.kind] }),
      element("span", { class: "rr-words" }, element("strong", {}, name), mark.text ? element("span", {}, mark.text) : undefined, ...mark.lines.map((line) => this.line(line))),
    );
    const label =
      labels.length > 1 &&
      element(
        "select",
        { class: "ck-select", "aria-label": `Label of this ${mark.kind}`, change: (event: Event) => this.events.relabel(mark.uid, (event.target as HTMLSelectElement).value) },
        ...(labels.includes(mark.label) ? [] : [element("option", { value: mark.label, selected: true }, mark.label || "no label")]),
        ...labels.map((one) => element("option", { value: one, selected: one === mark.label }, one)),
      );
    const remove = rendered("button", icon("remove"), {
      type: "button",
      class: "ck-button ck-quiet ck-icon",
      title: "Remove this mark",
      "aria-label": `Remove ${name}`,
      click: () => this.events.remove(mark.uid),
    });
    return element("li", { class: `rr-item${chosen ? " rr-chosen" : ""}${mark.pending ? " rr-pending" : ""}`, "data-uid": mark.uid }, choose, chosen && label, remove);
  }

  private line(line: string): HTMLElement {
    const pixels = /\bpx/.test(line);
    return element(
      "span",
      { class: "rr-line", title: pixels && "This file does not say how large a pixel is in the patient, so sizes are in pixels." },
      line,
    );
  }
}
