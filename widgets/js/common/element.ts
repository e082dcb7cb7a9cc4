/** Makes elements in one call, so that a view reads like the page it makes. */

type Attributes = Record<string, string | number | boolean | null | ((event: Event) => void)>;

/**
 * Returns a new element.
 *
 * Attributes with a function are listeners, `true` sets an empty attribute, `false` and `null`
 * leave it out.  Children that are strings become text, never HTML.
 */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string | null)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== false && value !== null) made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Returns a new element that holds HTML which the kernel has rendered from Markdown (and made safe). */
export function rendered<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  html: string,
  attributes: Attributes = {},
): HTMLElementTagNameMap[K] {
  const made = element(tag, attributes);
  made.innerHTML = html;
  return made;
}

let count = 0;

/** Returns an id that no other view on the page has. */
export function freshId(hint: string): string {
  return `ck-${hint}-${++count}-${Math.random().toString(36).slice(2, 7)}`;
}
