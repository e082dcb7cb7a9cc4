/** Tells a tap from a drag, for mouse, pen and finger. */

const STILL_PX = 5;
const STILL_TOUCH_PX = 12; // a fingertip rolls
const BRIEF_TOUCH_MS = 800; // longer is a long press, which belongs to the browser

/** Calls `tapped(clientX, clientY)` for each tap; returns a function that stops listening. */
export function tapOn(target: HTMLElement, tapped: (x: number, y: number) => void): () => void {
  const down = new Map<number, { x: number; y: number; at: number }>();
  let several = false; // two fingers are a pinch, even when one is lifted first

  const start = (event: PointerEvent) => {
    if (event.pointerType === "mouse" && event.button !== 0) return;
    if (down.size === 0) several = false;
    down.set(event.pointerId, { x: event.clientX, y: event.clientY, at: event.timeStamp });
    several ||= down.size > 1;
  };
  const end = (event: PointerEvent) => {
    const from = down.get(event.pointerId);
    down.delete(event.pointerId);
    if (!from || several) return;
    const touch = event.pointerType === "touch";
    const far = Math.hypot(event.clientX - from.x, event.clientY - from.y);
    if (far > (touch ? STILL_TOUCH_PX : STILL_PX)) return;
    if (touch && event.timeStamp - from.at > BRIEF_TOUCH_MS) return;
    tapped(event.clientX, event.clientY);
  };
  const cancel = (event: PointerEvent) => down.delete(event.pointerId);

  target.addEventListener("pointerdown", start);
  target.addEventListener("pointerup", end);
  target.addEventListener("pointercancel", cancel);
  return () => {
    target.removeEventListener("pointerdown", start);
    target.removeEventListener("pointerup", end);
    target.removeEventListener("pointercancel", cancel);
  };
}
