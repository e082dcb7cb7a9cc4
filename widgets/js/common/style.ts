// Puts a style sheet into the page once, however many widgets ask for it.
import theme from "./theme.css";

/** Adds `css` under `name` and the shared theme; a newer text replaces an older one. */
export function adoptStyle(name: string, css: string): void {
  place("clerkship-theme", theme);
  place(`clerkship-${name}`, css);
}

function place(id: string, css: string): void {
  let style = document.getElementById(id);
  if (!style) {
    style = document.createElement("style");
    style.id = id;
    document.head.append(style);
  }
  if (style.textContent !== css) style.textContent = css;
}
