/**
 * The interactive elements of Block Kit.
 *
 * Each builder gets (element, block, context). `context.act(action)` does what a click in a message or view does and
 * resolves when the app has answered; `context.set(block, element, state)` records a value of a view; `context.get`
 * reads it. Elements inside an `input` block only record, unless the block has `dispatch_action`.
 */

import { combobox } from "../combobox.js";
import { confirm } from "../confirm.js";
import { h, replaceChildren, safeUrl, uid } from "../dom.js";
import { icon } from "../icons.js";
import { plain, text, words } from "../mrkdwn.js";
import { avatar } from "../people.js";
import { menu } from "../popover.js";
import { store } from "../store.js";
import { pictureOf } from "../files.js";

const focusKey = (block, element) => `${block.block_id ?? ""}/${element.action_id ?? ""}/${element.value ?? ""}`;

/** Asks where a question is set, then acts; the control shows that it is working and cannot be pressed twice. */
async function dispatch(control, element, block, context, action) {
  if (control.getAttribute("aria-busy") === "true") return;
  if (element.confirm && !(await confirm(element.confirm))) return;
  control.setAttribute("aria-busy", "true");
  try {
    await context.act({ action_id: element.action_id, block_id: block.block_id, type: element.type, ...action });
  } finally {
    control.removeAttribute("aria-busy");
  }
}

/** Records a state, and tells the app of it where the element stands outside an input block or asks to dispatch. */
function changed(control, element, block, context, state) {
  context.set?.(block, element, { type: element.type, ...state });
  if (block.type !== "input" || block.dispatch_action) dispatch(control, element, block, context, state);
}

function button(element, block, context) {
  const look = { primary: "button--primary", danger: "button--danger" }[element.style];
  const props = { class: ["button", look], "aria-label": element.accessibility_label, data: { key: focusKey(block, element), action: element.action_id } };
  const href = element.url && safeUrl(element.url);
  if (href) {
    return h(
      "a",
      { ...props, href, target: "_blank", rel: "noopener noreferrer", onclick: (event) => context.follow(event, href, () => dispatch(event.currentTarget, element, block, context, { value: element.value })) },
      h("span", {}, text(element.text)),
    );
  }
  const node = h("button", { ...props, type: "button", onclick: () => dispatch(node, element, block, context, { value: element.value }) }, h("span", {}, text(element.text)));
  return node;
}

function iconButton(element, block, context) {
  const node = h(
    "button",
    { type: "button", class: "icon-button", title: words(element.text), "aria-label": element.accessibility_label ?? words(element.text), data: { key: focusKey(block, element), action: element.action_id }, onclick: () => dispatch(node, element, block, context, { value: element.value }) },
    icon(element.icon === "trash" ? "close" : "more"),
  );
  return node;
}

function feedback(element, block, context) {
  const one = (part, sign) => {
    const node = h("button", { type: "button", class: "button button--small", title: words(part.text), "aria-label": part.accessibility_label ?? words(part.text), onclick: () => dispatch(node, element, block, context, { value: part.value }) }, sign);
    return node;
  };
  return h("span", { class: "button-pair" }, one(element.positive_button, "👍"), one(element.negative_button, "👎"));
}

function overflow(element, block, context) {
  const node = h("button", { type: "button", class: "icon-button icon-button--boxed", "aria-label": "More actions", "aria-haspopup": "menu", "aria-expanded": "false", data: { key: focusKey(block, element), action: element.action_id } }, icon("more"));
  node.addEventListener("click", () =>
    menu(
      node,
      element.options.map((option) => ({
        label: text(option.text),
        hint: option.description && text(option.description),
        run: () => {
          const href = option.url && safeUrl(option.url);
          if (href) window.open(href, "_blank", "noopener,noreferrer");
          dispatch(node, element, block, context, { selected_option: option });
        },
      })),
      { align: "end", label: "More actions" },
    ),
  );
  return node;
}

const optionKey = (option) => option?.value;
const optionItem = (option) => ({ key: option.value, label: words(option.text), hint: option.description && words(option.description), option });

function optionGroups(element) {
  if (element.option_groups) return element.option_groups.map((group) => ({ label: words(group.label), options: group.options.map(optionItem) }));
  return [{ options: (element.options ?? []).map(optionItem) }];
}

const personItem = (user) => ({ key: user.id, label: user.real_name || user.name, hint: `@${user.name}`, face: () => avatar(user.id, "small") });
const channelItem = (channel) => ({
  key: channel.id,
  label: channel.kind === "dm" ? store.channelTitle(channel) : `#${channel.name}`,
  face: channel.kind === "dm" ? () => avatar(store.other(channel), "small") : undefined,
});

/** Everybody who can be chosen: people by name, then the app. */
const people = () => [{ options: [...store.people().sort((a, b) => store.displayName(a.id).localeCompare(store.displayName(b.id))), ...[...store.users.values()].filter((user) => store.isApp(user.id))].map(personItem) }];
const channels = (kinds) => () => [{ options: [...store.channels.values()].filter((channel) => kinds.includes(channel.kind)).map(channelItem) }];

/** What each select offers, how its state is spelled, and where its initial value stands. */
const SELECTS = {
  static_select: { groups: optionGroups, state: "selected_option", initial: "initial_option", of: optionKey },
  external_select: { groups: (element) => [{ options: element.initial_option ? [optionItem(element.initial_option)] : [] }], state: "selected_option", initial: "initial_option", of: optionKey },
  users_select: { groups: people, state: "selected_user", initial: "initial_user" },
  channels_select: { groups: channels(["channel"]), state: "selected_channel", initial: "initial_channel" },
  conversations_select: { groups: channels(["channel", "dm"]), state: "selected_conversation", initial: "initial_conversation" },
  multi_static_select: { groups: optionGroups, state: "selected_options", initial: "initial_options", of: optionKey, multiple: true },
  multi_external_select: { groups: (element) => [{ options: (element.initial_options ?? []).map(optionItem) }], state: "selected_options", initial: "initial_options", of: optionKey, multiple: true },
  multi_users_select: { groups: people, state: "selected_users", initial: "initial_users", multiple: true },
  multi_channels_select: { groups: channels(["channel"]), state: "selected_channels", initial: "initial_channels", multiple: true },
  multi_conversations_select: { groups: channels(["channel", "dm"]), state: "selected_conversations", initial: "initial_conversations", multiple: true },
};

function select(element, block, context) {
  const kind = SELECTS[element.type];
  const groups = kind.groups(element);
  const byKey = new Map(groups.flatMap((group) => group.options).map((item) => [item.key, item]));
  const kept = context.get?.(block, element)?.[kind.state] ?? element[kind.initial];
  const chosen = [kept ?? []].flat().map((one) => (kind.of ? kind.of(one) : one)).filter(Boolean);
  const value = (keys) => {
    const values = keys.map((key) => (kind.of ? byKey.get(key).option : key));
    return { [kind.state]: kind.multiple ? values : (values[0] ?? null) };
  };
  if (kept !== undefined && kept !== null && context.set) context.set(block, element, { type: element.type, ...value(chosen.filter((key) => byKey.has(key))) });
  const node = combobox({
    groups,
    chosen,
    multiple: Boolean(kind.multiple),
    most: element.max_selected_items ?? Infinity,
    placeholder: element.placeholder ? words(element.placeholder) : "Choose…",
    label: context.label ?? words(element.placeholder),
    describedBy: context.describedBy,
    key: context.controlId,
    focusKey: focusKey(block, element),
    onChange: (keys) => changed(node, element, block, context, value(keys)),
  });
  node.dataset.action = element.action_id;
  return node;
}

function choices(element, block, context) {
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
    { class: "choices", id: context.controlId, role: many ? "group" : "radiogroup", "aria-label": context.label, "aria-describedby": context.describedBy, data: { action: element.action_id } },
    element.options.map((option) =>
      h(
        "label",
        { class: "choice" },
        h("input", {
          type: many ? "checkbox" : "radio", name, checked: picked.includes(option.value), data: { key: `${focusKey(block, element)}/${option.value}` },
          onchange: (event) => {
            if (many) picked = event.target.checked ? [...picked, option.value] : picked.filter((one) => one !== option.value);
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
const LINES = {
  datepicker: ["date", "selected_date", "initial_date"],
  timepicker: ["time", "selected_time", "initial_time"],
  number_input: ["number", "value", "initial_value"],
  email_text_input: ["email", "value", "initial_value"],
  url_text_input: ["url", "value", "initial_value"],
};

function line(element, block, context) {
  const [type, word, initial] = LINES[element.type];
  const kept = context.get?.(block, element)?.[word] ?? element[initial] ?? "";
  if (kept) context.set?.(block, element, { type: element.type, [word]: kept });
  const number = type === "number";
  const node = h("input", {
    class: "input", id: context.controlId, type: number ? "text" : type === "email" || type === "url" ? "text" : type,
    inputmode: { number: element.is_decimal_allowed ? "decimal" : "numeric", email: "email", url: "url" }[type], autocomplete: "off",
    "aria-label": context.controlId ? null : (context.label ?? words(element.placeholder)), "aria-describedby": context.describedBy, "aria-required": context.required ? "true" : null,
    placeholder: element.placeholder ? words(element.placeholder) : null, value: kept, data: { key: focusKey(block, element), action: element.action_id },
    oninput: () => context.set?.(block, element, { type: element.type, [word]: node.value || null }),
    onchange: () => changed(node, element, block, context, { [word]: node.value || null }),
  });
  return node;
}

function dateTime(element, block, context) {
  const local = (seconds) => {
    const date = new Date(seconds * 1000);
    return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  };
  const kept = context.get?.(block, element)?.selected_date_time ?? element.initial_date_time ?? null;
  if (kept) context.set?.(block, element, { type: element.type, selected_date_time: kept });
  const node = h("input", {
    class: "input", id: context.controlId, type: "datetime-local", value: kept ? local(kept) : "", "aria-describedby": context.describedBy, "aria-label": context.label,
    data: { key: focusKey(block, element), action: element.action_id },
    onchange: () => changed(node, element, block, context, { selected_date_time: node.value ? Math.floor(new Date(node.value).getTime() / 1000) : null }),
  });
  return node;
}

function grow(area) {
  area.style.height = "auto";
  area.style.height = `${Math.min(area.scrollHeight + 2, 320)}px`;
}

function textInput(element, block, context) {
  const rich = element.type === "rich_text_input";
  const many = rich || element.multiline;
  const state = (value) => (rich ? { rich_text_value: value ? richValue(value) : null } : { value: value || null });
  const kept = context.get?.(block, element);
  const start = (rich ? plainOfRich(kept?.rich_text_value ?? element.initial_value) : (kept?.value ?? element.initial_value)) ?? "";
  if (start) context.set?.(block, element, { type: element.type, ...state(start) });
  const node = h(many ? "textarea" : "input", {
    class: ["input", many && "input--area"], id: context.controlId, type: many ? null : "text", rows: many ? "4" : null, autocomplete: "off",
    maxlength: element.max_length, placeholder: element.placeholder ? words(element.placeholder) : null, value: start,
    "aria-label": context.controlId ? null : context.label, "aria-describedby": context.describedBy, "aria-required": context.required ? "true" : null,
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
  return (value.elements ?? []).map((part) => (part.elements ?? []).map((item) => item.text ?? item.url ?? "").join("")).join("\n");
}

function fileInput(element, block, context) {
  const most = element.max_files ?? 10;
  let files = context.get?.(block, element)?.files ?? [];
  const list = h("ul", { class: "file-list" });
  const input = h("input", {
    type: "file", class: "visually-hidden", id: context.controlId, multiple: most > 1, accept: (element.filetypes ?? []).map((type) => `.${type}`).join(",") || null,
    "aria-describedby": context.describedBy, data: { key: focusKey(block, element), action: element.action_id },
    onchange: () => add(input.files),
  });
  const zone = h(
    "label",
    {
      class: "drop-zone",
      ondragover: (event) => {
        event.preventDefault();
        zone.classList.add("drop-zone--over");
      },
      ondragleave: () => zone.classList.remove("drop-zone--over"),
      ondrop: (event) => {
        event.preventDefault();
        zone.classList.remove("drop-zone--over");
        add(event.dataTransfer.files);
      },
    },
    input, icon("clip"), h("span", {}, h("strong", {}, "Choose files"), " or drop them here"),
    h("small", {}, [`up to ${most}`, element.filetypes?.length && element.filetypes.join(", ")].filter(Boolean).join(" · ")),
  );

  function add(fresh) {
    files = [...files, ...fresh].slice(0, most);
    input.value = "";
    keep();
  }

  function keep() {
    context.set?.(block, element, { type: element.type, files });
    replaceChildren(
      list,
      files.map((file) =>
        h(
          "li", { class: "file-chip" }, pictureOf(file), h("span", {}, file.name),
          h("button", { type: "button", class: "icon-button icon-button--tiny", "aria-label": `Remove ${file.name}`, onclick: () => { files = files.filter((one) => one !== file); keep(); } }, icon("close")),
        ),
      ),
    );
  }

  keep();
  return h("div", { class: "file-input" }, zone, list);
}

function picture(element, block, context) {
  return context.image(element, "element-image");
}

const BUILDERS = {
  button, overflow, image: picture, icon_button: iconButton, feedback_buttons: feedback, workflow_button: button,
  radio_buttons: choices, checkboxes: choices, datetimepicker: dateTime, plain_text_input: textInput, rich_text_input: textInput, file_input: fileInput,
  ...Object.fromEntries(Object.keys(SELECTS).map((type) => [type, select])),
  ...Object.fromEntries(Object.keys(LINES).map((type) => [type, line])),
};

export function element(item, block, context) {
  const build = BUILDERS[item.type];
  if (build) return build(item, block, context);
  if (item.type === "mrkdwn" || item.type === "plain_text") return h("span", {}, text(item));
  return h("span", { class: "unknown" }, plain(`[${item.type}]`));
}
