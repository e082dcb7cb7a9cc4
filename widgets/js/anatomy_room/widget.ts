/** Entry point of anatomy_room.js. */
import type { Model } from "../common/engine_loader.ts";
import { keepFromJupyter } from "../common/shortcuts.ts";
import { adoptStyle } from "../common/style.ts";
import css from "./anatomy_room.css";
import { Room } from "./room.ts";

function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  adoptStyle("anatomy-room", css);
  const root = document.createElement("div");
  el.append(root);
  const letKeysGo = keepFromJupyter(root);
  const room = new Room(model, root);
  return () => {
    letKeysGo();
    room.dispose();
  };
}

export default { render };
