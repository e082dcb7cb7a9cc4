// The edge of an area of pixels, as closed lines along the pixels' own edges.
import type { Point2 } from "./protocol.ts";

/**
 * Closed lines around what is inside, in plane indices (pixel centres are whole numbers, so corners
 * end in .5); corners on a straight run are left out.  Holes are lines of their own.
 */
export function outlines(inside: (column: number, row: number) => boolean, columns: number, rows: number): Point2[][] {
  const width = columns + 1; // corners per line
  const next = new Map<number, number[]>(); // corner -> corners that an edge leads to, inside on the right
  const edge = (from: number, to: number) => {
    const known = next.get(from);
    if (known) known.push(to);
    else next.set(from, [to]);
  };
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      if (!inside(column, row)) continue;
      const corner = row * width + column; // upper left
      if (row === 0 || !inside(column, row - 1)) edge(corner, corner + 1);
      if (column === columns - 1 || !inside(column + 1, row)) edge(corner + 1, corner + 1 + width);
      if (row === rows - 1 || !inside(column, row + 1)) edge(corner + 1 + width, corner + width);
      if (column === 0 || !inside(column - 1, row)) edge(corner + width, corner);
    }
  }
  const lines: Point2[][] = [];
  for (const first of next.keys()) {
    while (next.has(first)) lines.push(walk(next, first, width));
  }
  return lines;
}

/** Follows edges until they close, using them up. */
function walk(next: Map<number, number[]>, first: number, width: number): Point2[] {
  const line: Point2[] = [];
  let here = first;
  let step = 0;
  do {
    const choices = next.get(here)!;
    // Where two pixels touch at a corner only: turn right, and stay with the pixel walked around.
    const right = step === 1 ? width : step === width ? -1 : step === -1 ? -width : 1;
    const at = Math.max(0, choices.indexOf(here + right));
    const [to] = choices.splice(at, 1) as [number];
    if (choices.length === 0) next.delete(here);
    if (to - here !== step) line.push([(here % width) - 0.5, Math.floor(here / width) - 0.5]);
    step = to - here;
    here = to;
  } while (here !== first);
  return line;
}
