/** Asks the kernel for meshes, each once, and hands out what comes back. */
import type { Model } from "../common/engine_loader.ts";

const PATIENCE_MS = 30_000;

export class MeshRequests {
  private readonly waiting = new Map<string, { promise: Promise<DataView>; arrived(bytes: DataView): void }>();
  private readonly onMessage = (message: { mesh?: string }, buffers: DataView[]) => {
    const bytes = buffers[0];
    if (message.mesh !== undefined && bytes) this.waiting.get(message.mesh)?.arrived(bytes);
  };

  constructor(private readonly model: Model) {
    model.on("msg:custom", this.onMessage);
  }

  /** The packed bytes of one structure; rejects when the kernel stays silent. */
  fetch(id: string): Promise<DataView> {
    const already = this.waiting.get(id);
    if (already) return already.promise;
    let resolve!: (bytes: DataView) => void;
    let reject!: (reason: Error) => void;
    const promise = new Promise<DataView>((yes, no) => ([resolve, reject] = [yes, no]));
    const timer = setTimeout(() => {
      this.waiting.delete(id); // the next one who asks asks anew
      reject(new Error("the kernel does not answer"));
    }, PATIENCE_MS);
    const arrived = (bytes: DataView) => {
      clearTimeout(timer);
      this.waiting.delete(id);
      resolve(bytes);
    };
    this.waiting.set(id, { promise, arrived });
    this.model.send({ meshes: [id] });
    return promise;
  }

  dispose(): void {
    this.model.off("msg:custom", this.onMessage);
  }
}
