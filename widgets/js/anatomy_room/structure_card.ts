/** What there is to know about the structure that is picked, and what can be done with it. */
import { element, freshId } from "../common/element.ts";
import type { Dissection } from "./dissection.ts";
import type { Structure } from "./scene.ts";

export interface CardEvents {
  hidden(id: string): void;
  shown(id: string): void;
  isolated(id: string): void;
  /** `settled` is false while the slider is still being moved. */
  faded(id: string, opacity: number, settled: boolean): void;
}

export class StructureCard {
  readonly node = element("div", { class: "ck-anatomy-card" });
  private structure: Structure | null | undefined;
  private toggle?: HTMLButtonElement;
  private slider?: HTMLInputElement;
  private percent?: HTMLOutputElement;
  private isHidden = false;

  constructor(
    private readonly events: CardEvents,
    private readonly hints: readonly string[],
  ) {
    this.update(null, { hidden: [], opacities: {} });
  }

  update(structure: Structure | null, { hidden, opacities }: Dissection): void {
    if (structure !== this.structure) {
      this.structure = structure;
      this.node.replaceChildren(...(structure ? this.describe(structure) : this.hints.map((hint) => element("p", { class: "ck-muted" }, hint))));
      this.node.scrollTop = 0;
    }
    if (!structure) return;
    const opacity = opacities[structure.id] ?? 1;
    this.isHidden = hidden.includes(structure.id);
    this.toggle!.textContent = this.isHidden ? "Show" : "Hide";
    this.slider!.value = String(Math.round(opacity * 100));
    this.percent!.value = `${Math.round(opacity * 100)} %`;
  }

  private describe(structure: Structure): HTMLElement[] {
    const { id, name, latin, description, ontology, source, licence } = structure;
    const slider = freshId("opacity");
    const fade = (settled: boolean) => () => this.events.faded(id, Number(this.slider!.value) / 100, settled);
    this.toggle = element("button", {
      type: "button",
      class: "ck-button",
      click: () => (this.isHidden ? this.events.shown(id) : this.events.hidden(id)),
    });
    this.slider = element("input", {
      id: slider,
      type: "range",
      min: 0,
      max: 100,
      step: 5,
      input: fade(false),
      change: fade(true),
      keydown: (event) => event.stopPropagation(),
    });
    this.percent = element("output", { for: slider });
    return [
      element("h4", {}, name),
      latin ? element("p", { class: "ck-anatomy-latin", lang: "la" }, latin) : element("p", { hidden: true }),
      element(
        "div",
        { class: "ck-anatomy-actions" },
        this.toggle,
        element("button", { type: "button", class: "ck-button", click: () => this.events.isolated(id) }, "Only this"),
        element("span", { class: "ck-anatomy-opacity" }, element("label", { for: slider }, "Opacity"), this.slider, this.percent),
      ),
      element("p", {}, description),
      element(
        "details",
        {},
        element("summary", {}, "Source and licence"),
        element("p", {}, source),
        element("p", {}, licence),
        ontology.length ? element("p", {}, `In ontologies: ${ontology.join(", ")}`) : null,
      ),
    ];
  }
}
