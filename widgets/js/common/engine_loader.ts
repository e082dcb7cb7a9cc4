// Loads a large script ("engine") once per page: over HTTP where Jupyter serves our static
// files, otherwise from the kernel.  Every widget is a module of its own (a blob each), so the
// one place where they can meet is the page itself.

/** What we need of anywidget's model. */
export interface Model {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  send(content: unknown, callbacks?: unknown, buffers?: ArrayBuffer[]): void;
  on(event: string, callback: (...values: any[]) => void): void;
  off(event: string, callback?: (...values: any[]) => void): void;
}

const REGISTRY = Symbol.for("clerkship.engines");
const KERNEL_PATIENCE_MS = 60_000;

/** Imports `<name>.js`, at most once per page; concurrent callers share one load. */
export function loadEngine<T>(model: Model, name: string): Promise<T> {
  const page = globalThis as unknown as { [REGISTRY]?: Map<string, Promise<unknown>> };
  const loaded = (page[REGISTRY] ??= new Map());
  let engine = loaded.get(name);
  if (!engine) {
    engine = fetchScript(model, name).then(importScript);
    loaded.set(name, engine);
    engine.catch(() => loaded.delete(name)); // a later widget may try again
  }
  return engine as Promise<T>;
}

async function fetchScript(model: Model, name: string): Promise<Blob> {
  for (const folder of staticFolders()) {
    const found = await fetch(`${folder}/@clerkship/widgets/static/${name}.js.gz`).catch(() => null);
    // A login page may answer 200 in place of the file: look at the first two bytes.
    if (found?.ok) {
      const bytes = new Uint8Array(await found.arrayBuffer());
      if (bytes[0] === 0x1f && bytes[1] === 0x8b) return gunzip(bytes);
    }
  }
  return gunzip(await askKernel(model, name));
}

/** Where Jupyter serves lab extensions: Lab and Notebook 7 at one path, Voila at another. */
function staticFolders(): string[] {
  const page = JSON.parse(document.getElementById("jupyter-config-data")?.textContent ?? "{}") as Record<string, string>;
  const base = page.baseUrl ?? document.body?.dataset.baseUrl;
  if (!base) return [];
  const voila = location.pathname.startsWith(`${base}voila/`) || page.frontend === "voila" || "voila" in document.body.dataset;
  const folders = [`${base}lab/extensions`, `${base}voila/labextensions`];
  if (voila) folders.reverse();
  return [...new Set([...(page.fullLabextensionsUrl ? [page.fullLabextensionsUrl] : []), ...folders])];
}

function askKernel(model: Model, name: string): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const finish = () => {
      clearTimeout(timer);
      model.off("msg:custom", listen);
    };
    const listen = (message: { engine?: string; error?: string }, buffers: DataView[]) => {
      if (message.engine !== name) return;
      finish();
      const sent = buffers[0];
      if (sent) resolve(new Uint8Array(sent.buffer, sent.byteOffset, sent.byteLength));
      else reject(new Error(message.error ?? `${name} did not arrive`));
    };
    const timer = setTimeout(() => {
      finish();
      reject(new Error(`the kernel did not send ${name} within ${KERNEL_PATIENCE_MS / 1000} s`));
    }, KERNEL_PATIENCE_MS);
    model.on("msg:custom", listen);
    model.send({ engine: name });
  });
}

async function gunzip(bytes: Uint8Array): Promise<Blob> {
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Blob([await new Response(stream).blob()], { type: "text/javascript" });
}

async function importScript(source: Blob): Promise<unknown> {
  const url = URL.createObjectURL(source);
  try {
    return await import(/* @vite-ignore */ url);
  } finally {
    URL.revokeObjectURL(url);
  }
}
