// Entry point of reading_room.js (anywidget): says hello to the kernel, and opens the room it describes.
import type { Model } from "../common/engine_loader.ts";
import { keepFromJupyter } from "../common/shortcuts.ts";
import { adoptStyle } from "../common/style.ts";
import { element } from "../common/element.ts";
import { closedCard } from "./closed_card.ts";
import type { Closed, Room as RoomInfo } from "./protocol.ts";
import css from "./reading_room.css";
import { Room } from "./room.ts";

const ENGINE = "reading_room_engine";
/** The kernel is asked again this often, until it answers: it may be starting, or busy with a cell. */
const HELLO_AGAIN_MS = 5000;

function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  adoptStyle("reading-room", css);
  const view = crypto.getRandomValues(new Uint32Array(2)).join("-");
  const waiting = element("p", { class: "rr-waiting", role: "status" }, "Opening the case…");
  const frame = element("div", { class: "ck rr-frame" }, waiting);
  const letKeysGo = keepFromJupyter(frame);
  const fitHeight = () => frame.style.setProperty("--rr-height", `${Number(model.get("height_px"))}px`);
  fitHeight();
  el.append(frame);

  let room: Room | undefined;
  const listen = (message: Record<string, unknown>, buffers: DataView[]) => {
    if (message.room) {
      if (message.to !== view || room) return; // the same room may be shown twice on a page
      clearInterval(again);
      room = new Room(model, message.room as RoomInfo, buffers, ENGINE);
      frame.replaceChildren(room.element);
    } else if (message.closed) {
      if (message.to !== view || room) return;
      clearInterval(again);
      frame.replaceChildren(closedCard(message.closed as Closed, ask));
    } else if (message.notice && message.about === "hello") waiting.textContent = String(message.notice);
    else room?.receive(message, buffers);
  };
  model.on("msg:custom", listen);
  model.on("change:height_px", fitHeight);
  let again: ReturnType<typeof setInterval> | undefined;
  const hello = () => model.send({ hello: view, px: Math.round(Math.max(frame.clientWidth, Number(model.get("height_px"))) * (devicePixelRatio || 1)) });
  const ask = () => {
    waiting.textContent = "Opening the case…";
    frame.replaceChildren(waiting);
    hello();
    clearInterval(again);
    again = setInterval(() => {
      waiting.textContent = "Waiting for the kernel: it may be starting, or busy with another cell…";
      hello();
    }, HELLO_AGAIN_MS);
  };
  ask();

  return () => {
    clearInterval(again);
    letKeysGo();
    model.off("msg:custom", listen);
    model.off("change:height_px", fitHeight);
    room?.dispose();
  };
}

export default { render };
