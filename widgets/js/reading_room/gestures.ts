// Mouse, pen, touch and wheel on an image: the same for both painters.

export type Gesture = "navigate" | "window" | "zoom" | "pan" | "scroll";

export interface GestureEvents {
  /** A drag with a tool; distances in CSS pixels since the last event, `at` inside the element. */
  drag(gesture: Gesture, dx: number, dy: number, at: [number, number], start: [number, number]): void;
  dragEnd(): void;
  /** Two fingers: scale factor and move since the last event. */
  pinch(factor: number, dx: number, dy: number, at: [number, number]): void;
  wheel(steps: number, zooming: boolean, at: [number, number]): void;
  hover(at: [number, number] | undefined): void;
}

/** Main button: `tool()`, or left to the painter when that is undefined; right: zoom; middle: pan. */
export function listenForGestures(element: HTMLElement, tool: () => Gesture | undefined, events: GestureEvents): () => void {
  const fingers = new Map<number, [number, number]>();
  let active: { gesture: Gesture; pointer: number; last: [number, number]; start: [number, number] } | undefined;
  let wheelRest = 0;
  const stop = new AbortController();
  const listen = <K extends keyof HTMLElementEventMap>(type: K, handle: (event: HTMLElementEventMap[K]) => void) =>
    element.addEventListener(type, handle, { signal: stop.signal, passive: false, capture: true });
  const at = (event: MouseEvent): [number, number] => {
    const box = element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  listen("pointerdown", (event) => {
    const place = at(event);
    if (event.pointerType === "touch") {
      fingers.set(event.pointerId, place);
      if (fingers.size === 2) active = undefined;
    }
    if (fingers.size > 1) return;
    const gesture = event.button === 2 ? "zoom" : event.button === 1 ? "pan" : event.button === 0 ? tool() : undefined;
    if (!gesture) return;
    event.preventDefault(); // no text selection, and no mouse events for the painter's tools
    element.focus({ preventScroll: true });
    element.setPointerCapture(event.pointerId);
    active = { gesture, pointer: event.pointerId, last: place, start: place };
    if (gesture === "navigate") events.drag(gesture, 0, 0, place, place);
  });
  listen("pointermove", (event) => {
    const place = at(event);
    events.hover(place);
    if (fingers.has(event.pointerId)) {
      const before = [...fingers.values()];
      fingers.set(event.pointerId, place);
      const after = [...fingers.values()];
      if (after.length === 2) {
        const spread = ([a, b]: [number, number][]) => Math.hypot(a![0] - b![0], a![1] - b![1]) || 1;
        const middle = ([a, b]: [number, number][]): [number, number] => [(a![0] + b![0]) / 2, (a![1] + b![1]) / 2];
        const [was, is] = [middle(before as [number, number][]), middle(after as [number, number][])];
        events.pinch(spread(after as [number, number][]) / spread(before as [number, number][]), is[0] - was[0], is[1] - was[1], is);
        return;
      }
    }
    if (active?.pointer !== event.pointerId) return;
    events.drag(active.gesture, place[0] - active.last[0], place[1] - active.last[1], place, active.start);
    active.last = place;
  });
  const release = (event: PointerEvent) => {
    fingers.delete(event.pointerId);
    if (active?.pointer !== event.pointerId) return;
    active = undefined;
    events.dragEnd();
  };
  listen("pointerup", release);
  listen("pointercancel", release);
  listen("pointerleave", () => events.hover(undefined));
  listen("contextmenu", (event) => event.preventDefault());
  listen("wheel", (event) => {
    event.preventDefault();
    // A mouse notch is about 100 px; a trackpad sends many small ones.
    wheelRest += event.deltaMode === 0 ? event.deltaY / 100 : event.deltaY / 3;
    const steps = Math.trunc(wheelRest);
    if (steps === 0) return;
    wheelRest -= steps;
    events.wheel(Math.max(-4, Math.min(4, steps)), event.ctrlKey, at(event));
  });
  return () => stop.abort();
}
