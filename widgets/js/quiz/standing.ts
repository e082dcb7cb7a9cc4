/**
 * What may be said about saving, and when.
 *
 * "Saved" is a promise: it is said only when the kernel has reported that exactly these answers
 * are on disk.  Until then it is "Saving…", and after a while without a report a plain warning.
 */
import { sameValue } from "./answers.ts";

/** The kernel's last report: which values are on disk, and its sentence about that. */
export interface Report {
  values: unknown;
  text: string;
  tone: string;
}

export interface Standing {
  text: string;
  tone: "good" | "note" | "problem" | "busy";
}

/** How long a kernel may stay silent before the student is told, in milliseconds. */
export const PATIENCE_MS = 6000;

const SILENT: Standing = {
  text: "Not saved yet: the notebook’s kernel does not answer. Run this cell again.",
  tone: "problem",
};

/**
 * Returns the line to show.
 *
 * @param shown what the page holds now
 * @param report the kernel's last report
 * @param waited_ms how long ago the page last changed something
 */
export function standingOf(shown: unknown, report: Report, waited_ms: number): Standing {
  const tone = report.tone === "good" || report.tone === "problem" ? report.tone : "note";
  if (sameValue(shown, report.values)) return { text: report.text, tone };
  if (tone === "problem" && report.text) return { text: report.text, tone };
  return waited_ms < PATIENCE_MS ? { text: "Saving…", tone: "busy" } : SILENT;
}
