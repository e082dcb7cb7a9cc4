/** One question on the page: its options or its number field, and what practice says to the answer. */
import { withTick, type Answer } from "./answers.ts";
import { element, freshId, rendered } from "../common/element.ts";
import { formatNumber, parseNumber } from "./number.ts";

export interface ItemContent {
  id: string;
  kind: "choice" | "choices" | "number";
  stem: string; // HTML
  points: number;
  unit: string;
  options: { id: string; text: string }[]; // text: HTML
}

export interface ItemFeedback {
  right: boolean | null;
  options: Record<string, { correct: boolean; feedback: string }>;
  answer: string;
  explanation: string; // HTML
}

export interface ItemView {
  node: HTMLElement;
  show(answer: Answer | undefined): void;
  respond(feedback: ItemFeedback | undefined): void;
  focus(): void;
}

/** Returns the view of an item; `onAnswer` hears every change, null when the item is left blank. */
export function itemView(
  item: ItemContent,
  number: number,
  graded: boolean,
  onAnswer: (answer: Answer | null) => void,
): ItemView {
  const legendId = freshId("stem");
  const verdict = element("div", { class: "ck-verdict", hidden: true });
  const field = item.kind === "number" ? numberField(item, legendId, onAnswer) : optionList(item, onAnswer);
  const node = element(
    "fieldset",
    { class: "ck-item", "data-item": item.id },
    element(
      "legend",
      { id: legendId },
      element("span", { class: "ck-number", "aria-hidden": "true" }, String(number)),
      rendered("span", item.stem, { class: "ck-stem" }),
    ),
    hint(item, graded),
    field.node,
    verdict,
  );
  return {
    node,
    show: field.show,
    focus: field.focus,
    respond(feedback) {
      field.respond(feedback);
      verdict.replaceChildren(...verdictOf(item, feedback));
      verdict.hidden = !verdict.hasChildNodes();
      node.dataset.verdict = feedback?.right == null ? "" : feedback.right ? "right" : "wrong";
    },
  };
}

function hint(item: ItemContent, graded: boolean): HTMLElement | null {
  const parts = [
    item.kind === "choices" ? "Tick all that apply" : "",
    graded && item.points > 0 ? `${item.points} ${item.points === 1 ? "point" : "points"}` : "",
  ].filter(Boolean);
  return parts.length ? element("p", { class: "ck-hint" }, parts.join(" · ")) : null;
}

function verdictOf(item: ItemContent, feedback: ItemFeedback | undefined): Node[] {
  if (feedback?.right == null) return [];
  const nodes: Node[] = [];
  // The one option that was chosen says it already.
  if (item.kind !== "choice") nodes.push(element("p", { class: "ck-word" }, verdictWords(feedback)));
  if (feedback.explanation) nodes.push(rendered("div", feedback.explanation, { class: "ck-prose" }));
  return nodes;
}

function verdictWords(feedback: ItemFeedback): string {
  if (feedback.right) return "Right.";
  if (feedback.answer) return `Not quite. The answer is ${feedback.answer}.`;
  const said = Object.values(feedback.options);
  return said.length && said.every((option) => option.correct) ? "Not all yet: there is more to tick." : "Not quite.";
}

type Field = Omit<ItemView, "node"> & { node: HTMLElement };

function optionList(item: ItemContent, onAnswer: (answer: Answer | null) => void): Field {
  const group = freshId(item.id);
  const shownIds = item.options.map((option) => option.id);
  const rows = item.options.map((option) => {
    const noteId = freshId("note");
    const input = element("input", {
      type: item.kind === "choice" ? "radio" : "checkbox",
      name: group,
      value: option.id,
      change: () => {
        const chosen = rows.filter((row) => row.input.checked).map((row) => row.option.id);
        onAnswer(item.kind === "choice" ? [option.id] : withTick(chosen, option.id, input.checked, shownIds));
      },
    });
    const note = element("div", { class: "ck-remark", id: noteId, hidden: true });
    const label = element("label", { class: "ck-option" }, input, rendered("span", option.text, { class: "ck-text" }));
    return { option, input, label, note, noteId };
  });
  return {
    node: element("div", { class: "ck-options" }, ...rows.flatMap((row) => [row.label, row.note])),
    show(answer) {
      for (const row of rows) row.input.checked = Array.isArray(answer) && answer.includes(row.option.id);
    },
    focus: () => rows[0]?.input.focus(),
    respond(feedback) {
      for (const row of rows) {
        const said = feedback?.options[row.option.id];
        row.label.dataset.mark = said ? (said.correct ? "right" : "wrong") : "";
        row.note.hidden = !said;
        row.note.replaceChildren();
        row.input.removeAttribute("aria-describedby");
        if (!said) continue;
        row.input.setAttribute("aria-describedby", row.noteId);
        const word = said.correct ? "Correct." : "Not this one.";
        row.note.append(element("strong", {}, word), " ", rendered("span", said.feedback));
      }
    },
  };
}

function numberField(item: ItemContent, legendId: string, onAnswer: (answer: Answer | null) => void): Field {
  const unitId = freshId("unit");
  const echoId = freshId("echo");
  const echo = element("span", { class: "ck-echo", id: echoId, role: "status" });
  const input = element("input", {
    type: "text",
    inputmode: "decimal",
    class: "ck-input",
    autocomplete: "off",
    size: 10,
    "aria-labelledby": `${legendId} ${unitId}`,
    "aria-describedby": echoId,
    input: () => read(),
  });

  function read(): void {
    const typed = input.value.trim();
    const value = parseNumber(typed);
    const begun = /^[-+\u2212\u2013]?[.,]?$/.test(typed); // nothing yet, or only a sign
    const garbled = value === null && !begun;
    input.setAttribute("aria-invalid", String(garbled));
    // Say how a number was understood wherever two readings are possible: 1,234 is one and a bit.
    const plain = !/[,\s'e]|\..*\./i.test(typed);
    echo.textContent = garbled
      ? `Please write a number, for example ${formatNumber(12.5)}`
      : value === null || plain ? "" : `read as ${formatNumber(value)} ${item.unit}`.trim();
    echo.dataset.tone = garbled ? "problem" : "note";
    onAnswer(value);
  }

  return {
    node: element(
      "div",
      { class: "ck-numeric" },
      input,
      element("span", { class: "ck-unit", id: unitId }, item.unit),
      echo,
    ),
    show(answer) {
      if (typeof answer === "number" ? parseNumber(input.value) === answer : document.activeElement === input) return;
      input.value = typeof answer === "number" ? formatNumber(answer) : "";
      input.setAttribute("aria-invalid", "false");
      echo.textContent = "";
    },
    focus: () => input.focus(),
    respond(feedback) {
      input.dataset.mark = feedback?.right == null ? "" : feedback.right ? "right" : "wrong";
    },
  };
}
