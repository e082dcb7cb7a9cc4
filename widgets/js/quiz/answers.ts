/** What a student has answered so far: plain values in, plain values out. */

/** Option ids, or a number; an item that is not in the record was left blank. */
export type Answer = string[] | number;
export type Answers = Record<string, Answer>;

/** Returns the answers with one item changed; null (or no option) leaves it blank. */
export function withAnswer(answers: Answers, item: string, answer: Answer | null): Answers {
  const { [item]: _, ...others } = answers;
  const blank = answer === null || (Array.isArray(answer) && answer.length === 0);
  return blank ? others : { ...others, [item]: answer };
}

/** Returns the chosen options with one ticked or unticked, in the order in which they are shown. */
export function withTick(chosen: string[], option: string, ticked: boolean, shown: string[]): string[] {
  return shown.filter((id) => (id === option ? ticked : chosen.includes(id)));
}

/** Tells whether two JSON values are equal, whatever the order of their keys. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const left = Object.entries(a);
  const right = b as Record<string, unknown>;
  return (
    left.length === Object.keys(right).length &&
    left.every(([key, value]) => key in right && sameValue(value, right[key]))
  );
}
