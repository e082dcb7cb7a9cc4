// A moving picture in a room: its player, its pace in words, and the frames to ask for ahead.
import type { CineInfo } from "./protocol.ts";
import { Player } from "./player.ts";
import type { PlanePanel } from "./plane_panel.ts";
import type { SliceClient } from "./slice_client.ts";

/** Frames that are asked for ahead while a cine plays. */
const FRAMES_AHEAD = 24;

export class Cine {
  private readonly info: CineInfo;
  private readonly panel: PlanePanel;
  private readonly player: Player;

  /** `show` brings the panel to a frame; `changed` is told when the frames begin or cease to move. */
  constructor(info: CineInfo, panel: PlanePanel, slices: SliceClient, show: (frame: number) => Promise<void>, changed: (playing: boolean) => void) {
    this.info = info;
    this.panel = panel;
    const { name, slices: frames } = panel.geometry.info;
    this.player = new Player(frames, info.frame_ms, {
      ready: (frame) => {
        if (slices.peek(name, frame)) return true;
        void slices.look(name, frame, ahead(frame, frames)).catch(() => {}); // said by the panel, if it is ever shown
        return false;
      },
      show,
      changed: (playing) => {
        changed(playing);
        void panel.setMoving(playing);
      },
    });
  }

  get playing(): boolean {
    return this.player.playing;
  }

  /** Which frames will be wanted after this one; undefined while the picture stands. */
  next(frame: number): number[] | undefined {
    return this.playing ? ahead(frame, this.panel.geometry.info.slices) : undefined;
  }

  toggle(): void {
    if (this.playing) this.pause();
    else {
      // Who asked for less motion gets one run, not an endless one.
      this.player.once = matchMedia("(prefers-reduced-motion: reduce)").matches;
      this.player.play(this.panel.index);
    }
  }

  pause(): void {
    this.player.pause();
  }

  setSpeed(speed: number): void {
    this.player.speed = speed;
  }

  /** How fast it runs, and who says so. */
  get pace(): [text: string, title: string] {
    const { frame_ms: ms, said } = this.info;
    const perSecond = 1000 / ms;
    const rate = `${perSecond.toFixed(perSecond < 9.5 ? 1 : 0)} frames a second`;
    if (said) return [`${rate} · ${ms.toFixed(ms < 100 ? 1 : 0)} ms each`, "As the file says"];
    return [`${rate} (the file gives no speed)`, "How long a frame lasts is not in the file"];
  }
}

/** The frames after this one, round and round. */
function ahead(frame: number, frames: number): number[] {
  return Array.from({ length: Math.min(FRAMES_AHEAD, frames - 1) }, (_, n) => (frame + n + 1) % frames);
}
