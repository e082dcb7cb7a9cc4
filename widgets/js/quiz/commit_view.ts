/** A free read on the page: answer, commit (frozen from then on), and only then the reveal. */
import { element, freshId, rendered } from "../common/element.ts";
import type { Model } from "../common/engine_loader.ts";
import { PATIENCE_MS } from "./standing.ts";
import { StandingLine } from "./standing_line.ts";

interface Content {
  title: string;
  prompt: string; // HTML
  options: { id: string; text: string }[]; // text: HTML
  confidence: boolean;
}

interface Draft {
  answer: string | null;
  confidence: number | null;
}

/** A pause in typing after which the draft is saved, in milliseconds. */
const PAUSE_MS = 600;

/** Draws the prompt into `host`; returns the function that lets go of it. */
export function commitView(model: Model, host: HTMLElement): () => void {
  const content = model.get("content") as Content;
  let draft = { ...(model.get("draft") as Draft) };
  let pause = 0;
  let patience = 0;

  const standing = new StandingLine(() => draft, () => {
    const saved = model.get("saved") as { draft: Draft; text: string; tone: string };
    return { values: saved.draft, text: saved.text, tone: saved.tone };
  });

  function change(part: Partial<Draft>): void {
    draft = { ...draft, ...part };
    say("");
    standing.touch();
    window.clearTimeout(pause);
    pause = window.setTimeout(keep, PAUSE_MS);
  }

  function keep(): void {
    window.clearTimeout(pause);
    model.set("draft", draft);
    model.save_changes();
  }

  function commit(): void {
    const missing = whatIsMissing(content, draft);
    if (missing) {
      say(missing.sentence);
      (missing.part === "answer" ? answerField : confidenceField)?.focus();
      return;
    }
    keep();
    button.disabled = true;
    say("Committing…");
    model.send({ do: "commit", ...draft });
    patience = window.setTimeout(() => {
      button.disabled = false;
      say("The notebook’s kernel does not answer, so nothing is committed yet. Run this cell again.");
    }, PATIENCE_MS);
  }

  function say(text: string): void {
    message.textContent = text;
    message.hidden = text === "";
  }

  const stemId = freshId("prompt");
  const answerField = content.options.length
    ? optionField(content, draft, (answer) => change({ answer }))
    : textField(stemId, draft, (answer) => change({ answer }), keep);
  const confidenceField = content.confidence ? sliderField(draft, (confidence) => change({ confidence })) : null;
  const message = element("p", { class: "ck-summary", role: "status", hidden: true });
  const button = element("button", { type: "button", class: "ck-button ck-primary", click: commit }, "Commit");
  const form = element(
    "div",
    { class: "ck-form" },
    answerField.node,
    confidenceField?.node ?? null,
    element("footer", { class: "ck-foot" }, element("div", { class: "ck-buttons" }, button), message, element("span", { class: "ck-gap" }), standing.node),
  );
  const past = element("div", { class: "ck-past", hidden: true });
  const reveal = element("section", { class: "ck-reveal", "aria-label": "Reveal", tabindex: -1, hidden: true });

  /** The answer is frozen: show it as it was committed, and what follows it. */
  function freeze(arriving: boolean): void {
    const html = model.get("revealed") as string;
    if (!html || !reveal.hidden) return;
    window.clearTimeout(pause);
    window.clearTimeout(patience);
    past.replaceChildren(...committed(content, model.get("draft") as Draft, model.get("committed_at") as string));
    reveal.append(rendered("div", html, { class: "ck-prose" }));
    form.remove();
    past.hidden = false;
    reveal.hidden = false;
    if (arriving) reveal.focus({ preventScroll: true }); // so that a screen reader goes on reading here
  }

  function onSaved(): void {
    const saved = model.get("saved") as { text: string; tone: string };
    if (saved.tone === "problem" && button.disabled) {
      window.clearTimeout(patience);
      button.disabled = false;
      say("");
    }
    standing.show();
  }
  const onRevealed = () => freeze(true);

  host.append(
    element(
      "section",
      { class: "ck ck-quiz ck-commit", "aria-label": content.title },
      element(
        "header",
        { class: "ck-head" },
        element("span", { class: "ck-title" }, content.title),
        element("span", { class: "ck-tag" }, "Commit first, then see"),
      ),
      rendered("div", content.prompt, { class: "ck-prompt ck-prose", id: stemId }),
      form,
      past,
      reveal,
    ),
  );
  freeze(false);
  model.on("change:saved", onSaved);
  model.on("change:revealed", onRevealed);
  return () => {
    if (pause && reveal.hidden) keep();
    window.clearTimeout(patience);
    standing.dispose();
    model.off("change:saved", onSaved);
    model.off("change:revealed", onRevealed);
  };
}

function whatIsMissing(content: Content, draft: Draft): { part: "answer" | "confidence"; sentence: string } | null {
  if (!draft.answer?.trim()) {
    const sentence = content.options.length ? "Choose an answer first." : "Write down what you see first.";
    return { part: "answer", sentence };
  }
  if (content.confidence && draft.confidence === null) {
    return { part: "confidence", sentence: "Say how sure you are first: move the slider." };
  }
  return null;
}

interface Field {
  node: HTMLElement;
  focus(): void;
}

function textField(labelId: string, draft: Draft, onChange: (answer: string) => void, onLeave: () => void): Field {
  const node = element("textarea", {
    class: "ck-input ck-words",
    rows: 4,
    maxlength: 20000,
    "aria-labelledby": labelId,
    placeholder: "In your own words…",
    input: () => onChange(node.value),
    blur: onLeave,
  });
  node.value = draft.answer ?? "";
  return { node, focus: () => node.focus() };
}

function optionField(content: Content, draft: Draft, onChange: (answer: string) => void): Field {
  const name = freshId("commit");
  const inputs = content.options.map((option) =>
    element("input", {
      type: "radio",
      name,
      value: option.id,
      checked: option.id === draft.answer,
      change: () => onChange(option.id),
    }),
  );
  const labels = content.options.map((option, index) =>
    element("label", { class: "ck-option" }, inputs[index] ?? null, rendered("span", option.text, { class: "ck-text" })),
  );
  const node = element("fieldset", { class: "ck-item" }, element("legend", { class: "ck-sr-only" }, "Your answer"), element("div", { class: "ck-options" }, ...labels));
  return { node, focus: () => inputs[0]?.focus() };
}

function sliderField(draft: Draft, onChange: (confidence: number) => void): Field {
  const id = freshId("confidence");
  const output = element("output", { for: id, class: "ck-sure" });
  const show = (value: number | null) => {
    output.textContent = value === null ? "not set yet" : `${value} %`;
    slider.setAttribute("aria-valuetext", value === null ? "not set yet" : `${value} percent sure`);
  };
  const onSet = () => {
    show(Number(slider.value));
    onChange(Number(slider.value));
  };
  // pointerup as well: somebody who means exactly the middle only clicks it.
  const slider = element("input", { type: "range", id, min: 0, max: 100, step: 5, input: onSet, pointerup: onSet });
  slider.value = String(draft.confidence ?? 50);
  show(draft.confidence);
  const node = element(
    "div",
    { class: "ck-confidence" },
    element("label", { for: id }, "How sure are you?"),
    element("div", { class: "ck-scale" }, element("span", {}, "a guess"), slider, element("span", {}, "certain")),
    output,
  );
  return { node, focus: () => slider.focus() };
}

function committed(content: Content, draft: Draft, at: string): Node[] {
  const when = new Date(at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  const sure = draft.confidence === null ? "" : ` · ${draft.confidence} % sure`;
  const option = content.options.find((candidate) => candidate.id === draft.answer);
  const answer = option
    ? rendered("div", option.text, { class: "ck-answer" })
    : element("div", { class: "ck-answer" }, draft.answer ?? "");
  return [element("p", { class: "ck-hint" }, `Your answer, committed ${when}${sure}`), answer];
}
