/** Entry point of quiz.js: `Quiz` and `Commit` share one small bundle. */
import type { Model } from "../common/engine_loader.ts";
import { keepFromJupyter } from "../common/shortcuts.ts";
import { adoptStyle } from "../common/style.ts";
import { commitView } from "./commit_view.ts";
import css from "./quiz.css";
import { quizView } from "./quiz_view.ts";

function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  adoptStyle("quiz", css);
  const letKeysGo = keepFromJupyter(el);
  const dispose = model.get("view") === "commit" ? commitView(model, el) : quizView(model, el);
  return () => {
    letKeysGo();
    dispose();
  };
}

export default { render };
