/** Makes elements in one call, so that a view reads like the page it makes. */

/** A listener may name its own kind of event: (event: KeyboardEvent) => … */
type Listener = { listen(event: Event): void }["listen"]; // a method, so that a narrower event type is accepted
type Attributes = Record<string, string | number | boolean | null | undefined | Listener>;
type Child = Node | string | null | undefined | false;

/**
 * Returns a new element.
 *
 * Attributes with a function are listeners, `true` sets an empty attribute; `false`, `null` and
 * `undefined` leave an attribute or a child out.  Children that are strings become text, never HTML.
 */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value as EventListener);
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.filter((child): child is Node | string => child !== null && child !== undefined && child !== false));
  return made;
}

/** Returns a new element that holds HTML of our own: an icon, or Markdown that the kernel has rendered and made safe. */
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
