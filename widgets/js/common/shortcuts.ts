// Keeps Jupyter's one-letter commands away from our controls: with the focus on a button, "d d"
// would delete the student's cell.

/** Lumino leaves a key alone when the focused element itself carries this. */
const SUPPRESS = "data-lm-suppress-shortcuts";

/**
 * Keeps keys pressed inside `root` from Jupyter, except what is meant for the page: Ctrl S saves and
 * Shift Enter runs the cell as ever. Returns what undoes it.
 *
 * The decision is made on the window, before Lumino looks (it listens on the document, capturing).
 */
export function keepFromJupyter(root: HTMLElement): () => void {
  let marked: Element | undefined;
  const decide = (event: KeyboardEvent) => {
    if (!(event.target instanceof Element) || !root.contains(event.target)) return;
    const undo = /^[zy]$/i.test(event.key);
    const forPage = ((event.ctrlKey || event.metaKey) && !undo) || (event.shiftKey && event.key === "Enter");
    marked?.removeAttribute(SUPPRESS); // also when it is an ancestor of the element that has the focus now
    marked = forPage ? undefined : event.target;
    marked?.setAttribute(SUPPRESS, "true");
  };
  window.addEventListener("keydown", decide, true);
  return () => window.removeEventListener("keydown", decide, true);
}
