// Asks the kernel for images: what is looked at first, its neighbours next, nothing twice.
import type { Model } from "../common/engine_loader.ts";
import type { ImageInfo } from "./protocol.ts";
import { decodeSlice, type Pixels } from "./slice_decoding.ts";

export interface Picture extends ImageInfo {
  pixels: Pixels;
}

/** Two under way keep the line busy; more would only delay what is wanted next. */
const MOST_UNDER_WAY = 2;
const CACHE_BYTES = 192 * 2 ** 20;
const NEIGHBOURS = 6;

interface Wish {
  plane: string;
  index: number;
  promise: Promise<Picture>;
  resolve(picture: Picture): void;
  reject(reason: Error): void;
  sent: boolean;
}

/** Images are named "plane/index" here. */
export class SliceClient {
  private cache = new Map<string, Picture>(); // in order of last use
  private wishes = new Map<string, Wish>();
  private queue: string[] = []; // next to be asked for is last
  private bytes = 0;
  private readonly model: Model;
  private readonly slices: Map<string, number>;
  private readonly verb: string;

  /** `verb` is what the kernel is asked with: {get: {plane, index}}. */
  constructor(model: Model, slices: Map<string, number>, verb = "get") {
    this.model = model;
    this.slices = slices;
    this.verb = verb;
  }

  /** An image that is here already. */
  peek(plane: string, index: number): Picture | undefined {
    return this.cache.get(`${plane}/${index}`);
  }

  /**
   * The image to be shown now; older wishes that are not under way are dropped in its favour.
   * `next` are those wanted after it, soonest first: its neighbours on both sides if not said.
   */
  look(plane: string, index: number, next?: readonly number[]): Promise<Picture> {
    const found = this.peek(plane, index);
    this.queue = this.queue.filter((name) => !name.startsWith(`${plane}/`));
    for (const other of [...(next ?? neighbours(index))].reverse()) this.wish(plane, other);
    const promise = found ? Promise.resolve(found) : this.wish(plane, index)!.promise;
    this.ask();
    return promise;
  }

  /** Takes a "slice" message of the kernel. */
  async receive(info: ImageInfo, coded: DataView | undefined): Promise<Picture | undefined> {
    const name = `${info.plane}/${info.index}`;
    const wish = this.wishes.get(name);
    this.wishes.delete(name);
    this.ask();
    try {
      if (info.error || !coded) throw new Error(info.error ?? "The image came without pixels.");
      const bytes = new Uint8Array(coded.buffer, coded.byteOffset, coded.byteLength);
      const picture = { ...info, pixels: await decodeSlice(bytes, info.type, info.rows, info.columns, info.samples) };
      if (!info.preview) this.keep(name, picture);
      wish?.resolve(picture);
      return picture;
    } catch (error) {
      wish?.reject(error as Error);
      return undefined;
    }
  }

  /** Whether something that is looked at has been asked for and has not come. */
  get waiting(): boolean {
    return this.wishes.size > 0;
  }

  private wish(plane: string, index: number): Wish | undefined {
    if (index < 0 || index >= (this.slices.get(plane) ?? 0)) return undefined;
    const name = `${plane}/${index}`;
    if (this.cache.has(name)) return undefined;
    let wish = this.wishes.get(name);
    if (!wish) {
      let resolve!: Wish["resolve"], reject!: Wish["reject"];
      const promise = new Promise<Picture>((yes, no) => ((resolve = yes), (reject = no)));
      promise.catch(() => {}); // a prefetched image that fails is nobody's concern
      wish = { plane, index, promise, resolve, reject, sent: false };
      this.wishes.set(name, wish);
    }
    if (!wish.sent) this.queue = [...this.queue.filter((known) => known !== name), name];
    return wish;
  }

  private ask(): void {
    // Wishes that left the queue unsent are stale: forget them.
    const queued = new Set(this.queue);
    for (const [name, wish] of this.wishes) if (!wish.sent && !queued.has(name)) this.wishes.delete(name);
    let underWay = 0;
    for (const wish of this.wishes.values()) if (wish.sent) underWay++;
    while (underWay < MOST_UNDER_WAY && this.queue.length > 0) {
      const wish = this.wishes.get(this.queue.pop()!);
      if (!wish) continue;
      wish.sent = true;
      underWay++;
      this.model.send({ [this.verb]: { plane: wish.plane, index: wish.index } });
    }
  }

  private keep(name: string, picture: Picture): void {
    const old = this.cache.get(name);
    if (old) this.bytes -= old.pixels.byteLength;
    this.cache.delete(name);
    this.cache.set(name, picture);
    this.bytes += picture.pixels.byteLength;
    for (const [oldest, { pixels }] of this.cache) {
      if (this.bytes <= CACHE_BYTES || oldest === name) break;
      this.cache.delete(oldest);
      this.bytes -= pixels.byteLength;
    }
  }
}

function neighbours(index: number): number[] {
  return Array.from({ length: NEIGHBOURS }, (_, n) => [index + n + 1, index - n - 1]).flat();
}
