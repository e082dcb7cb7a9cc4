/** What is hidden and what is transparent, and how to go back a step.  Values, never changed in place. */

export interface Dissection {
  readonly hidden: readonly string[];
  readonly opacities: Readonly<Record<string, number>>; // only those below 1
}

export function hide(now: Dissection, ids: readonly string[]): Dissection {
  return { ...now, hidden: [...now.hidden, ...ids.filter((id) => !now.hidden.includes(id))] };
}

export function show(now: Dissection, ids: readonly string[]): Dissection {
  return { ...now, hidden: now.hidden.filter((id) => !ids.includes(id)) };
}

/** Hides everything else, and makes the one that stays solid. */
export function isolate(now: Dissection, id: string, all: readonly string[]): Dissection {
  return fade({ ...now, hidden: all.filter((other) => other !== id) }, id, 1);
}

export function fade(now: Dissection, id: string, opacity: number): Dissection {
  const { [id]: _, ...others } = now.opacities;
  return { ...now, opacities: opacity >= 1 ? others : { ...others, [id]: Math.max(0, opacity) } };
}

export function same(a: Dissection, b: Dissection): boolean {
  const fades = Object.entries(a.opacities);
  return (
    a.hidden.length === b.hidden.length &&
    a.hidden.every((id) => b.hidden.includes(id)) &&
    fades.length === Object.keys(b.opacities).length &&
    fades.every(([id, opacity]) => b.opacities[id] === opacity)
  );
}

/** Steps that can be taken back.  Moving one slider is one step, however often it reports. */
export class History {
  private readonly steps: { before: Dissection; key: string }[] = [];
  private readonly depth: number;

  constructor(depth = 100) {
    this.depth = depth;
  }

  /** Remembers how things were before a step; a step with the same non-empty key goes on with the last one. */
  record(before: Dissection, key = ""): void {
    if (key && this.steps.at(-1)?.key === key) return;
    this.steps.push({ before, key });
    if (this.steps.length > this.depth) this.steps.shift();
  }

  /** Ends a run of equal keys, so that the next one is a step of its own. */
  settle(): void {
    const last = this.steps.at(-1);
    if (last) last.key = "";
  }

  undo(): Dissection | undefined {
    return this.steps.pop()?.before;
  }

  get canUndo(): boolean {
    return this.steps.length > 0;
  }
}
