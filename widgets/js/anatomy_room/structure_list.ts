/** The list of structures: what is drawn, by tick; what is picked, by name.  It is also the room for
 *  everyone who does not see the picture. */
import { element, freshId } from "../common/element.ts";
import type { Dissection } from "./dissection.ts";
import { found, type Scene } from "./scene.ts";

export interface ListEvents {
  shown(ids: string[], visible: boolean): void;
  picked(id: string): void;
}

export class StructureList {
  readonly node: HTMLElement;
  private readonly rows = new Map<string, { row: HTMLElement; tick: HTMLInputElement; name: HTMLButtonElement }>();
  private readonly headings = new Map<string, { section: HTMLElement; tick: HTMLInputElement }>();
  private readonly count = element("p", { class: "ck-sr-only", role: "status" });
  private readonly nothing = element("p", { class: "ck-muted ck-anatomy-nothing", hidden: true });

  constructor(
    private readonly scene: Scene,
    private readonly events: ListEvents,
  ) {
    const search = element("input", {
      type: "search",
      class: "ck-input",
      placeholder: "Search structures",
      "aria-label": "Search structures by English or Latin name",
      input: () => this.filter(search.value),
      keydown: (event) => event.stopPropagation(), // the notebook has shortcuts on letters
    });
    const sections = scene.groups.map((group) => this.section(group.id, group.name, group.description));
    this.node = element("div", { class: "ck-anatomy-list" }, search, this.count, this.nothing, ...sections);
  }

  update({ hidden, opacities }: Dissection, picked: string): void {
    for (const [id, { row, tick, name }] of this.rows) {
      tick.checked = !hidden.includes(id);
      name.setAttribute("aria-pressed", String(id === picked));
      row.classList.toggle("ck-picked", id === picked);
      const opacity = opacities[id] ?? 1;
      row.dataset.opacity = opacity < 1 ? `${Math.round(opacity * 100)} %` : "";
    }
    for (const [group, { tick }] of this.headings) {
      const members = this.members(group);
      const shown = members.filter((id) => !hidden.includes(id)).length;
      tick.checked = shown === members.length;
      tick.indeterminate = shown > 0 && shown < members.length;
    }
  }

  /** Brings the picked row into sight, without scrolling the page. */
  reveal(id: string): void {
    const row = this.rows.get(id)?.row;
    if (!row) return;
    const above = row.offsetTop - this.node.offsetTop - this.node.scrollTop;
    if (above < 48 || above > this.node.clientHeight - 40) this.node.scrollTop += above - this.node.clientHeight / 2;
  }

  private section(group: string, name: string, description: string): HTMLElement {
    const heading = freshId("group");
    const tick = element("input", {
      type: "checkbox",
      "aria-label": `Show all: ${name}`,
      change: () => this.events.shown(this.members(group), tick.checked),
    });
    const rows = this.scene.structures.filter((structure) => structure.group === group).map(({ id }) => this.row(id));
    const section = element(
      "section",
      { "aria-labelledby": heading },
      element("div", { class: "ck-anatomy-group" }, tick, element("h4", { id: heading }, name)),
      description ? element("p", { class: "ck-anatomy-about" }, description) : element("p", { hidden: true }),
      element("ul", { "aria-labelledby": heading }, ...rows),
    );
    this.headings.set(group, { section, tick });
    return section;
  }

  private row(id: string): HTMLElement {
    const { name, colour } = this.scene.structures.find((structure) => structure.id === id)!;
    const tick = element("input", {
      type: "checkbox",
      "aria-label": `Show ${name}`,
      change: () => this.events.shown([id], tick.checked),
    });
    const swatch = element("span", { class: "ck-anatomy-swatch", style: `background:${colour}`, "aria-hidden": "true" });
    const button = element("button", { type: "button", click: () => this.events.picked(id) }, swatch, name);
    const row = element("li", { "data-structure": id }, tick, button);
    this.rows.set(id, { row, tick, name: button });
    return row;
  }

  private members(group: string): string[] {
    return this.scene.structures.filter((structure) => structure.group === group).map(({ id }) => id);
  }

  private filter(query: string): void {
    const matching = new Set(found(this.scene, query).map(({ id }) => id));
    for (const [id, { row }] of this.rows) row.hidden = !matching.has(id);
    for (const [group, { section }] of this.headings) {
      section.hidden = !this.members(group).some((id) => matching.has(id));
    }
    this.nothing.hidden = matching.size > 0;
    this.nothing.textContent = `Nothing here is called “${query.trim()}”.`;
    this.count.textContent = query.trim() ? `${matching.size} of ${this.scene.structures.length} structures` : "";
  }
}
