// A small field on the image for the words of an arrow.
import { element } from "../common/element.ts";
import type { Point2 } from "./protocol.ts";

/** Asks for a few words beside a point; empty or Escape leaves the arrow without. */
export function askForText(host: HTMLElement, [x, y]: Point2): Promise<string> {
  return new Promise((resolve) => {
    let done = false;
    const finish = () => {
      if (done) return; // removing the form takes its focus away, which comes back here
      done = true;
      const words = field.value;
      form.remove();
      resolve(words.replace(/[\\\u0000-\u001f\u007f]/g, " ").trim()); // DICOM text holds neither
    };
    const field = element("input", { class: "ck-input", type: "text", maxlength: "200", placeholder: "What is here?", "aria-label": "Words for this arrow" });
    const form = element("form", { class: "rr-ask" }, field, element("button", { class: "ck-button ck-primary", type: "submit" }, "OK"));
    form.style.left = `${Math.max(4, Math.min(x, host.clientWidth - 244))}px`;
    form.style.top = `${Math.max(4, Math.min(y, host.clientHeight - 48))}px`;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      finish();
    });
    form.addEventListener("focusout", (event) => {
      if (!form.contains(event.relatedTarget as Node | null)) finish();
    });
    form.addEventListener("keydown", (event) => {
      event.stopPropagation(); // letters are letters here, not tools
      if (event.key !== "Escape") return;
      field.value = "";
      finish();
    });
    for (const type of ["pointerdown", "mousedown", "dblclick", "wheel"]) form.addEventListener(type, (event) => event.stopPropagation());
    host.append(form);
    field.focus();
  });
}
