// @ts-ignore Node's own types are not installed: the widgets run in a browser.
import assert from "node:assert/strict";
// @ts-ignore
import test from "node:test";
import { formatNumber, parseNumber } from "./number.ts";

test("a decimal comma and a decimal point mean the same", () => {
  assert.equal(parseNumber("12.5"), 12.5);
  assert.equal(parseNumber("12,5"), 12.5);
  assert.equal(parseNumber(",5"), 0.5);
});

test("with both signs the last one is the decimal sign", () => {
  assert.equal(parseNumber("1.234,5"), 1234.5);
  assert.equal(parseNumber("1,234.5"), 1234.5);
});

test("spaces, narrow spaces and apostrophes group thousands", () => {
  for (const typed of ["1 234,5", "1\u202f234,5", "1\u00a0234.5", "1'234.5"]) assert.equal(parseNumber(typed), 1234.5);
  assert.equal(parseNumber("1,234,567"), 1234567);
  assert.equal(parseNumber("1.234.567"), 1234567);
});

test("minus is read as a hyphen, a minus sign or a dash", () => {
  for (const typed of ["-40", "\u221240", "\u201340"]) assert.equal(parseNumber(typed), -40);
});

test("what is not a number is null, never a guess", () => {
  for (const typed of ["", "  ", "twelve", "12 mm", "1e9999", "--1", "1-2", ".", ",", "0x10", "NaN", "Infinity"]) {
    assert.equal(parseNumber(typed), null, typed);
  }
});

test("what is written can be read again, in any reader's locale", () => {
  for (const locale of ["en-GB", "de-DE", "fr-FR", "pt-BR"]) {
    for (const value of [0, -0.5, 38.6, 1234567.25, 1e-5]) assert.equal(parseNumber(formatNumber(value, locale)), value);
  }
});
