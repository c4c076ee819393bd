/** The inputs that people fill in: choices, dates and times, numbers, addresses and text. */

import { h, uid } from "../dom.js";
import { text, words } from "../mrkdwn.js";
import { changed, dispatch, focusKey } from "./dispatch.js";

const optionKey = (option) => option?.value;

export function choices(element, block, context) {
  const many = element.type === "checkboxes";
  const kept = context.get?.(block, element);
  let picked = many
    ? (kept?.selected_options ?? element.initial_options ?? []).map(optionKey)
    : [optionKey(kept ? kept.selected_option : element.initial_option)].filter((one) => one !== undefined);
  const state = () => {
    const options = element.options.filter((option) => picked.includes(option.value));
    return many ? { selected_options: options } : { selected_option: options[0] ?? null };
  };
  if (picked.length) context.set?.(block, element, { type: element.type, ...state() });
  const name = uid("choice");
  const group = h(
    "div",
    {
      class: "choices",
      id: context.controlId,
      role: many ? "group" : "radiogroup",
      "aria-label": context.label,
      "aria-describedby": context.describedBy,
      data: { action: element.action_id },
    },
    element.options.map((option) =>
      h(
        "label",
        { class: "choice" },
        h("input", {
          type: many ? "checkbox" : "radio",
          name,
          checked: picked.includes(option.value),
          data: { key: `${focusKey(block, element)}/${option.value}` },
          onchange: (event) => {
            if (many)
              picked = event.target.checked ? [...picked, option.value] : picked.filter((one) => one !== option.value);
            else picked = [option.value];
            changed(group, element, block, context, state());
          },
        }),
        h("span", {}, text(option.text), option.description && h("small", {}, text(option.description))),
      ),
    ),
  );
  return group;
}

/** Inputs that are one line of the browser's own: [input type, the state's word, the initial value's word]. */
export const LINES = {
  datepicker: ["date", "selected_date", "initial_date"],
  timepicker: ["time", "selected_time", "initial_time"],
  number_input: ["number", "value", "initial_value"],
  email_text_input: ["email", "value", "initial_value"],
  url_text_input: ["url", "value", "initial_value"],
};

export function line(element, block, context) {
  const [type, word, initial] = LINES[element.type];
  const kept = context.get?.(block, element)?.[word] ?? element[initial] ?? "";
  if (kept) context.set?.(block, element, { type: element.type, [word]: kept });
  const number = type === "number";
  const node = h("input", {
    class: "input",
    id: context.controlId,
    type: number ? "text" : type === "email" || type === "url" ? "text" : type,
    inputmode: { number: element.is_decimal_allowed ? "decimal" : "numeric", email: "email", url: "url" }[type],
    autocomplete: "off",
    "aria-label": context.controlId ? null : (context.label ?? words(element.placeholder)),
    "aria-describedby": context.describedBy,
    "aria-required": context.required ? "true" : null,
    placeholder: element.placeholder ? words(element.placeholder) : null,
    value: kept,
    data: { key: focusKey(block, element), action: element.action_id },
    oninput: () => context.set?.(block, element, { type: element.type, [word]: node.value || null }),
    onchange: () => changed(node, element, block, context, { [word]: node.value || null }),
  });
  return node;
}

export function dateTime(element, block, context) {
  const local = (seconds) => {
    const date = new Date(seconds * 1000);
    return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  };
  const kept = context.get?.(block, element)?.selected_date_time ?? element.initial_date_time ?? null;
  if (kept) context.set?.(block, element, { type: element.type, selected_date_time: kept });
  const node = h("input", {
    class: "input",
    id: context.controlId,
    type: "datetime-local",
    value: kept ? local(kept) : "",
    "aria-describedby": context.describedBy,
    "aria-label": context.label,
    data: { key: focusKey(block, element), action: element.action_id },
    onchange: () =>
      changed(node, element, block, context, {
        selected_date_time: node.value ? Math.floor(new Date(node.value).getTime() / 1000) : null,
      }),
  });
  return node;
}

function grow(area) {
  area.style.height = "auto";
  area.style.height = `${Math.min(area.scrollHeight + 2, 320)}px`;
}

export function textInput(element, block, context) {
  const rich = element.type === "rich_text_input";
  const many = rich || element.multiline;
  const state = (value) => (rich ? { rich_text_value: value ? richValue(value) : null } : { value: value || null });
  const kept = context.get?.(block, element);
  const start =
    (rich ? plainOfRich(kept?.rich_text_value ?? element.initial_value) : (kept?.value ?? element.initial_value)) ?? "";
  if (start) context.set?.(block, element, { type: element.type, ...state(start) });
  const node = h(many ? "textarea" : "input", {
    class: ["input", many && "input--area"],
    id: context.controlId,
    type: many ? null : "text",
    rows: many ? "4" : null,
    autocomplete: "off",
    maxlength: element.max_length,
    placeholder: element.placeholder ? words(element.placeholder) : null,
    value: start,
    "aria-label": context.controlId ? null : context.label,
    "aria-describedby": context.describedBy,
    "aria-required": context.required ? "true" : null,
    data: { key: focusKey(block, element), action: element.action_id },
    oninput: () => {
      context.set?.(block, element, { type: element.type, ...state(node.value) });
      if (many) grow(node);
    },
    onkeydown: (event) => {
      if (event.key !== "Enter" || many || !block.dispatch_action) return;
      event.preventDefault();
      dispatch(node, element, block, context, state(node.value));
    },
  });
  if (many) requestAnimationFrame(() => grow(node));
  return node;
}

function richValue(value) {
  return { type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "text", text: value }] }] };
}

function plainOfRich(value) {
  if (!value) return null;
  return (value.elements ?? [])
    .map((part) => (part.elements ?? []).map((item) => item.text ?? item.url ?? "").join(""))
    .join("\n");
}
