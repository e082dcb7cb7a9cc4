// Keeps Jupyter's one-letter commands away from our controls: with the focus on a button, "d d"
// would delete the student's cell.

/**
 * Marks whatever gets the focus inside `root`. The mark must be on the focused element itself:
 * Lumino looks for a matching shortcut there before it looks at its ancestors.
 */
export function keepFromJupyter(root: HTMLElement): void {
  root.addEventListener("focusin", ({ target }) => (target as Element).setAttribute("data-lm-suppress-shortcuts", "true"));
}
