// One line under the images: messages, the value under the pointer, the window, and whether it is saved.
import { element } from "../common/element.ts";
import type { Room, SaveState } from "./protocol.ts";

export class StatusBar {
  readonly element: HTMLElement;
  private readonly message = element("span", { class: "rr-message", role: "status" });
  private readonly value = element("span", { class: "rr-value" });
  private readonly pace = element("span", { class: "rr-pace" });
  private readonly window = element("span", { class: "rr-window" });
  private readonly saved = element("span", { class: "rr-saved", role: "status" });
  private readonly kept: Room["kept"];
  private readonly retry: () => void;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(kept: Room["kept"], retry: () => void) {
    this.kept = kept;
    this.retry = retry;
    this.element = element("div", { class: "rr-status" }, this.message, this.value, this.pace, this.window, this.saved);
  }

  /** Says something for a while; errors stay longer. */
  say(text: string, tone: "plain" | "problem" = "plain"): void {
    clearTimeout(this.timer);
    this.message.textContent = text;
    this.message.classList.toggle("rr-problem", tone === "problem");
    if (text) this.timer = setTimeout(() => (this.message.textContent = ""), tone === "problem" ? 15_000 : 5_000);
  }

  /** Stays until something else is said. */
  hold(text: string): void {
    clearTimeout(this.timer);
    this.message.classList.remove("rr-problem");
    this.message.textContent = text;
  }

  showValue(text: string): void {
    this.value.textContent = text;
  }

  /** Says how the images run, in place of a window that colours do not have. */
  showPace(text: string, title: string): void {
    this.pace.textContent = text;
    this.pace.title = title;
  }

  showWindow(center: number, width: number): void {
    this.window.textContent = `C ${short(center)}  W ${short(width)}`;
    this.window.title = "Window centre and width";
  }

  save(state: SaveState, unconfirmed: number): void {
    const [text, tone] = this.words(state, unconfirmed);
    this.saved.className = `rr-saved rr-${tone}`;
    this.saved.dataset.state = unconfirmed > 0 ? "unconfirmed" : state.state;
    this.saved.replaceChildren(text);
    this.saved.title = text;
    if (state.state === "failed") {
      this.saved.append(" ", element("button", { type: "button", class: "ck-button rr-retry", click: this.retry }, "Try again"));
    }
  }

  private words(state: SaveState, unconfirmed: number): [string, "plain" | "good" | "problem"] {
    if (this.kept === "self-study") return ["Self-study: not saved", "plain"];
    if (this.kept === "practice") return ["Practice: not saved", "plain"];
    if (state.state === "failed") return [state.message, "problem"];
    if (unconfirmed > 0) return ["Waiting for the kernel; kept in this browser", "problem"];
    if (state.state === "saving") return ["Saving…", "plain"];
    if (state.state === "saved") return [`Saved ${state.at}`, "good"];
    return [state.state === "loaded" ? "Your saved marks are shown" : "", "plain"];
  }
}

function short(value: number): string {
  return Math.abs(value) >= 20 ? value.toFixed(0) : Math.abs(value) >= 2 ? value.toFixed(1) : value.toPrecision(2);
}
