// Beside the image: whose reference is shown, and how far the readers agree.
import { element } from "../common/element.ts";
import type { Point3, Reference } from "./protocol.ts";
import { readerStyle } from "./reference_overlay.ts";
import { svgElement } from "./svg.ts";

/** Who says so, in words. */
const WHO: Record<string, string> = {
  metadata: "from the file or its collection",
  author: "drawn by the author of the case",
  clinician: "drawn by a clinician",
  pathology: "from pathology",
};

export function referenceLegend(reference: Reference, goTo: (point: Point3) => void): HTMLElement {
  const { title, name, readers, agreement } = reference;
  return element(
    "section",
    { class: "rr-legend", "aria-label": `Reference: ${title}` },
    element("h4", { class: "rr-heading" }, "Reference"),
    element("p", {}, title, title.toLowerCase() === name ? "" : ` (${name})`),
    element(
      "ul",
      { class: "rr-list" },
      ...readers.map(({ reader, who, reviewed, made_from, at_lps_mm }, n) =>
        element(
          "li",
          { class: "rr-item" },
          element(
            "button",
            { type: "button", class: "rr-choose", title: "Go there", click: () => goTo(at_lps_mm) },
            sample(n),
            element("span", { class: "rr-words" }, element("strong", {}, reader || "Reader not named"), element("span", { class: "rr-line" }, made_from.length > 0 ? `fused from ${made_from.join(", ")}` : (WHO[who] ?? who)), element("span", { class: "rr-line" }, reviewed)),
          ),
        ),
      ),
    ),
    ...agreement.map(({ readers: [a, b], dice }) =>
      element("p", { class: "rr-line", title: "Dice coefficient of the two areas: 1 is the same, 0 nothing in common" }, `${a} and ${b}: overlap ${dice.toFixed(2)} (Dice)`),
    ),
    agreement.some(({ dice }) => dice < 1) && element("p", { class: "rr-line" }, element("span", { class: "rr-tint" }), "Here they disagree"),
  );
}

function sample(n: number): SVGElement {
  const { colour, dash } = readerStyle(n);
  const svg = svgElement("svg", { class: "rr-sample", viewBox: "0 0 28 12", "aria-hidden": "true" });
  svg.append(svgElement("path", { d: "M1 6H27", stroke: colour, "stroke-dasharray": dash }));
  return svg;
}
