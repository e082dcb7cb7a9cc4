/** A quiz on the page: questions, how far one is, whether it is saved, and (practice) the check. */
import { sameValue, withAnswer, type Answers } from "./answers.ts";
import { element, rendered } from "../common/element.ts";
import { itemView, type ItemContent, type ItemFeedback } from "./item_view.ts";
import type { Model } from "../common/engine_loader.ts";
import { StandingLine } from "./standing_line.ts";

interface Content {
  title: string;
  prompt: string; // HTML
  graded: boolean;
  withhold: boolean;
  items: ItemContent[];
}

interface Feedback {
  answers?: Answers;
  items?: Record<string, ItemFeedback>;
  summary?: string;
  revealed?: boolean;
}

/** Draws the quiz into `host`; returns the function that lets go of it. */
export function quizView(model: Model, host: HTMLElement): () => void {
  const content = model.get("content") as Content;
  const answers = () => model.get("answers") as Answers;
  const views = content.items.map((item, index) =>
    itemView(item, index + 1, content.graded, (answer) => {
      const changed = withAnswer(answers(), item.id, answer);
      if (sameValue(changed, answers())) return;
      model.set("answers", changed);
      model.save_changes();
      standing.touch();
    }),
  );
  const standing = new StandingLine(answers, () => {
    const saved = model.get("saved") as { answers: Answers; text: string; tone: string };
    return { values: saved.answers, text: saved.text, tone: saved.tone };
  });
  const progress = element("span", { class: "ck-progress" });
  const summary = element("p", { class: "ck-summary", role: "status", hidden: true });
  const check = element("button", { type: "button", class: "ck-button ck-primary", click: () => onCheck(false) }, content.withhold ? "Done" : "Check");
  const reveal = element("button", { type: "button", class: "ck-button", click: () => onCheck(true) }, "Show the answers");
  const buttons = content.graded ? null : element("div", { class: "ck-buttons" }, check, reveal);

  function onCheck(revealing: boolean): void {
    const open = content.items.findIndex((item) => !(item.id in answers()));
    if (open >= 0) {
      say(`Question ${open + 1} is still open. Answer every question first; a guess is fine.`);
      views[open]?.focus();
      return;
    }
    model.send({ do: "check", reveal: revealing });
  }

  function say(text: string): void {
    summary.textContent = text;
    summary.hidden = text === "";
  }

  function show(): void {
    content.items.forEach((item, index) => views[index]?.show(answers()[item.id]));
    const done = content.items.filter((item) => item.id in answers()).length;
    progress.textContent = `${done} of ${content.items.length} answered`;
    standing.show();
    respond();
  }

  function respond(): void {
    if (content.graded) return;
    const feedback = model.get("feedback") as Feedback;
    const checked = feedback.answers !== undefined;
    // Feedback belongs to the answer that was checked; a changed answer is a fresh try.
    content.items.forEach((item, index) => {
      const same = checked && sameValue(feedback.answers?.[item.id], answers()[item.id]);
      views[index]?.respond(same ? feedback.items?.[item.id] : undefined);
    });
    const fresh = checked && sameValue(feedback.answers, answers());
    say(fresh ? (feedback.summary ?? "") : "");
    check.hidden = fresh;
    reveal.hidden = !fresh || feedback.revealed === true;
    if (buttons) buttons.hidden = check.hidden && reveal.hidden;
  }

  host.append(
    element(
      "section",
      { class: "ck ck-quiz", "aria-label": content.title },
      element(
        "header",
        { class: "ck-head" },
        element("span", { class: "ck-title" }, content.title),
        element("span", { class: "ck-tag" }, content.graded ? gradedTag(content.items) : "Practice, not graded"),
      ),
      content.prompt ? rendered("div", content.prompt, { class: "ck-prose" }) : null,
      ...views.map((view) => view.node),
      element("footer", { class: "ck-foot" }, buttons, summary, element("span", { class: "ck-gap" }), progress, standing.node),
    ),
  );
  show();
  model.on("change:answers", show);
  model.on("change:saved", show);
  model.on("change:feedback", show);
  return () => {
    standing.dispose();
    model.off("change:answers", show);
    model.off("change:saved", show);
    model.off("change:feedback", show);
  };
}

function gradedTag(items: ItemContent[]): string {
  const points = items.reduce((sum, item) => sum + item.points, 0);
  return points > 0 ? `Graded, ${points} ${points === 1 ? "point" : "points"}` : "Graded";
}
