/** Reads a number as people type it: decimal comma or point, spaces between thousands, a real minus. */

/**
 * Returns the number that a person meant, or null if it is not one.
 *
 * With both signs present the last one is the decimal sign ("1.234,5" and "1,234.5" are equal).
 * A single comma is a decimal comma ("0,85"); a sign that repeats groups thousands ("1,234,567").
 */
export function parseNumber(typed: string): number | null {
  let text = typed.trim().replace(/[\s\u00a0\u202f']/g, "").replace(/^[\u2212\u2013]/, "-");
  const lastComma = text.lastIndexOf(",");
  const lastPoint = text.lastIndexOf(".");
  if (lastComma >= 0 && lastPoint >= 0) {
    const grouping = lastComma > lastPoint ? "." : ",";
    text = text.replaceAll(grouping, "").replace(",", ".");
  } else if (lastComma >= 0) {
    text = isRepeated(text, ",") ? text.replaceAll(",", "") : text.replace(",", ".");
  } else if (isRepeated(text, ".")) {
    text = text.replaceAll(".", "");
  }
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i.test(text) && Number.isFinite(Number(text))
    ? Number(text)
    : null;
}

/** Writes a number in the form that `parseNumber` reads, in the reader's own decimal sign. */
export function formatNumber(value: number, locale?: string): string {
  return value.toLocaleString(locale, { maximumSignificantDigits: 15, useGrouping: false });
}

function isRepeated(text: string, sign: string): boolean {
  return text.indexOf(sign) !== text.lastIndexOf(sign);
}
