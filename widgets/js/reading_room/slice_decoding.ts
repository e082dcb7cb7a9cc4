// Undoes the coding of slice_server.py: raw deflate, byte planes, folded differences along rows.
import type { PixelType } from "./protocol.ts";

export type Pixels = Uint8Array | Int16Array | Uint16Array | Float32Array;

/** Decompresses one image; the values are exactly those of the kernel, colours as RGBRGB…. */
export async function decodeSlice(coded: Uint8Array, type: PixelType, rows: number, columns: number, samples: 1 | 3 = 1): Promise<Pixels> {
  const stream = new Blob([coded as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const wordBytes = type === "uint8" ? 1 : type === "float32" ? 4 : 2;
  const wanted = rows * columns * wordBytes * samples;
  if (planes.length !== wanted) throw new Error(`an image of ${columns} x ${rows} has ${wanted} bytes; ${planes.length} came`);
  if (samples === 3) return unfoldColour(planes, rows, columns);
  return unfold(planes, type, rows, columns);
}

/** Red, green and blue come as three images. */
function unfoldColour(planes: Uint8Array, rows: number, columns: number): Uint8Array {
  const words = new Uint8Array(rows * columns * 3);
  for (let channel = 0, n = 0; channel < 3; channel++) {
    for (let row = 0, to = channel; row < rows; row++) {
      for (let column = 0, value = 0; column < columns; column++, n++, to += 3) {
        const folded = planes[n]!;
        value += (folded >> 1) ^ -(folded & 1);
        words[to] = value;
      }
    }
  }
  return words;
}

function unfold(planes: Uint8Array, type: PixelType, rows: number, columns: number): Pixels {
  const count = rows * columns;
  if (type === "uint8") {
    const words = new Uint8Array(count);
    for (let row = 0, n = 0; row < rows; row++) {
      for (let column = 0, value = 0; column < columns; column++, n++) {
        const folded = planes[n]!;
        value += (folded >> 1) ^ -(folded & 1);
        words[n] = value; // typed arrays wrap, as the coder did
      }
    }
    return words;
  }
  if (type === "float32") {
    const words = new Int32Array(count); // bit patterns of the floats
    for (let row = 0, n = 0; row < rows; row++) {
      for (let column = 0, value = 0; column < columns; column++, n++) {
        const folded =
          planes[n]! | (planes[n + count]! << 8) | (planes[n + 2 * count]! << 16) | (planes[n + 3 * count]! << 24);
        value = (value + ((folded >>> 1) ^ -(folded & 1))) | 0;
        words[n] = value;
      }
    }
    return new Float32Array(words.buffer);
  }
  const words = type === "int16" ? new Int16Array(count) : new Uint16Array(count);
  for (let row = 0, n = 0; row < rows; row++) {
    for (let column = 0, value = 0; column < columns; column++, n++) {
      const folded = planes[n]! | (planes[n + count]! << 8);
      value += (folded >> 1) ^ -(folded & 1);
      words[n] = value;
    }
  }
  return words;
}
