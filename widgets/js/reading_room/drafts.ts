// Strokes that the kernel has not confirmed yet survive a closed tab or a dead kernel: they wait in
// the browser's storage and are sent again when the room opens.
import type { Stroke } from "./protocol.ts";

export class Drafts {
  private readonly key: string;
  private strokes: Map<string, Stroke>;

  /** `room` names a task on one page; rooms that keep nothing pass undefined. */
  constructor(room: string | undefined) {
    this.key = room ? `clerkship.drafts:${location.pathname.replace(/[^/]*$/, "")}:${room}` : "";
    this.strokes = new Map(this.read().map((stroke) => [stroke.uid, stroke]));
  }

  get all(): Stroke[] {
    return [...this.strokes.values()];
  }

  add(stroke: Stroke): void {
    this.strokes.set(stroke.uid, stroke);
    this.write();
  }

  /** Forgets a stroke that the kernel has, or refused. */
  settle(uid: string): void {
    if (this.strokes.delete(uid)) this.write();
  }

  private read(): Stroke[] {
    try {
      const kept: unknown = this.key ? JSON.parse(localStorage.getItem(this.key) ?? "[]") : [];
      return Array.isArray(kept) ? (kept as Stroke[]) : [];
    } catch {
      return []; // storage may be forbidden, or hold something else
    }
  }

  private write(): void {
    if (!this.key) return;
    try {
      if (this.strokes.size > 0) localStorage.setItem(this.key, JSON.stringify(this.all));
      else localStorage.removeItem(this.key);
    } catch {
      // Full or forbidden: the strokes are still on the screen and in memory.
    }
  }
}
