/** The line at the foot of a widget that says whether the work is saved. */
import { element } from "../common/element.ts";
import { PATIENCE_MS, standingOf, type Report } from "./standing.ts";

export class StandingLine {
  readonly node = element("span", { class: "ck-standing", role: "status" });
  #changed_ms = performance.now();
  #timer = 0;

  constructor(
    private readonly shown: () => unknown,
    private readonly report: () => Report,
  ) {
    this.show();
  }

  /** Call after the page changed something: from now on the kernel owes a report. */
  touch(): void {
    this.#changed_ms = performance.now();
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.show(), PATIENCE_MS + 50);
    this.show();
  }

  show(): void {
    const { text, tone } = standingOf(this.shown(), this.report(), performance.now() - this.#changed_ms);
    // A live region that is written twice is read out twice.
    if (this.node.textContent !== text) this.node.textContent = text;
    this.node.dataset.tone = tone;
  }

  dispose(): void {
    window.clearTimeout(this.#timer);
  }
}
