// Plays the frames of a moving picture in their own time.

export interface PlayerEvents {
  /** Is this frame here, so that it can be shown at once? */
  ready(frame: number): boolean;
  /** Shows a frame; done when it is on the screen. */
  show(frame: number): Promise<void>;
  changed(playing: boolean): void;
}

/**
 * Frames are shown when they are due by the clock, so that a slow machine leaves some out and does not
 * run slow. A frame that has not come yet is waited for, and the clock with it: nothing is left out
 * that has never been seen.
 */
export class Player {
  /** Slower than in life: 1, 0.5, 0.25. */
  speed = 1;
  /** Play to the end and stop there. */
  once = false;
  private readonly frames: number;
  private readonly frameMs: number;
  private readonly events: PlayerEvents;
  private running = false;
  private painting = false;
  private frame = 0;
  private due = 0; // when the next frame is to be shown, ms

  constructor(frames: number, frameMs: number, events: PlayerEvents) {
    this.frames = frames;
    this.frameMs = frameMs;
    this.events = events;
  }

  get playing(): boolean {
    return this.running;
  }

  play(from: number, now = performance.now()): void {
    if (this.running) return;
    this.frame = this.once && from === this.frames - 1 ? -1 : from; // from the end: once more
    this.due = now + this.frameMs / this.speed;
    this.running = true;
    this.events.changed(true);
    this.next();
  }

  pause(): void {
    if (!this.running) return;
    this.running = false;
    this.events.changed(false);
  }

  /** To be called on every repaint of the page. */
  tick(now: number): void {
    if (!this.running || this.painting || now < this.due) return;
    const step = this.frameMs / this.speed;
    let to = this.frame;
    // As far as the clock has come, but never over a frame that is not here.
    while (this.due <= now && this.events.ready(this.after(to))) {
      to = this.after(to);
      this.due += step;
      if (this.once && to === this.frames - 1) break;
    }
    if (this.due <= now) this.due = now; // the clock waits for what has not come
    if (to === this.frame) return;
    this.frame = to;
    this.painting = true;
    void this.events
      .show(to)
      .catch(() => this.pause())
      .finally(() => (this.painting = false));
    if (this.once && to === this.frames - 1) this.pause();
  }

  private after(frame: number): number {
    return (frame + 1) % this.frames;
  }

  private next(): void {
    requestAnimationFrame((now) => {
      this.tick(now);
      if (this.running) this.next();
    });
  }
}
