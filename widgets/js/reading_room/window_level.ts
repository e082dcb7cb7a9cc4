// Which values are black and which are white.
import type { WindowPreset } from "./protocol.ts";
import type { Pixels } from "./slice_decoding.ts";

/** Values at and below `lower` are black, at and above `upper` white (or the other way, inverted). */
export interface Range {
  lower: number;
  upper: number;
}

/** DICOM PS3.3 C.11.2.1.2.1 (LINEAR); narrower than one unit C.11.2.1.3.2 (LINEAR_EXACT). */
export function rangeOf({ center, width }: Pick<WindowPreset, "center" | "width">): Range {
  if (width <= 1) return { lower: center - width / 2, upper: center + width / 2 };
  return { lower: center - 0.5 - (width - 1) / 2, upper: center - 0.5 + (width - 1) / 2 };
}

export function windowOf({ lower, upper }: Range): { center: number; width: number } {
  const linear = upper - lower >= 1; // narrower ones come from LINEAR_EXACT
  return linear
    ? { center: (lower + upper) / 2 + 0.5, width: upper - lower + 1 }
    : { center: (lower + upper) / 2, width: upper - lower };
}

/** Drag to the right: wider; drag down: a higher centre.  A full height of the viewport spans `span` values. */
export function dragged(range: Range, right: number, down: number, span: number): Range {
  const centre = (range.lower + range.upper) / 2 + down * span;
  const width = Math.max(range.upper - range.lower + right * span, span / 2000);
  return { lower: centre - width / 2, upper: centre + width / 2 };
}

/** The middle 99 % of an image without its background (its smallest value). */
export function autoRange(pixels: Pixels): Range {
  const step = Math.max(1, Math.floor(pixels.length / 50_000));
  let least = Number.POSITIVE_INFINITY;
  for (let n = 0; n < pixels.length; n += step) least = Math.min(least, pixels[n]!);
  const sample: number[] = [];
  for (let n = 0; n < pixels.length; n += step) if (pixels[n]! > least) sample.push(pixels[n]!);
  if (sample.length === 0) return { lower: least - 0.5, upper: least + 0.5 };
  sample.sort((a, b) => a - b);
  const at = (share: number) => sample[Math.round(share * (sample.length - 1))]!;
  const [lower, upper] = [at(0.005), at(0.995)];
  return upper > lower ? { lower, upper } : { lower: lower - 0.5, upper: lower + 0.5 };
}

/** What an 8-bit picture that is ready to be shown is shown with: every value as it is. */
export const AS_IS: Range = { lower: 0, upper: 255 };

/** Paints RGBRGB… as opaque colours into packed RGBA words. */
export function paintColour(pixels: Pixels, rgba: Uint32Array): void {
  for (let n = 0, from = 0; n < rgba.length; n++, from += 3) {
    rgba[n] = 0xff000000 | (pixels[from + 2]! << 16) | (pixels[from + 1]! << 8) | pixels[from]!;
  }
}

/** Paints values as opaque grey into packed RGBA words (little-endian, as every browser's canvas is). */
export function paintGrey(pixels: Pixels, range: Range, inverted: boolean, rgba: Uint32Array): void {
  const gain = 255 / (range.upper - range.lower || 1);
  for (let n = 0; n < pixels.length; n++) {
    let grey = (pixels[n]! - range.lower) * gain + 0.5;
    grey = grey < 0 ? 0 : grey > 255 ? 255 : grey | 0;
    if (inverted) grey = 255 - grey;
    rgba[n] = 0xff000000 | (grey << 16) | (grey << 8) | grey;
  }
}
