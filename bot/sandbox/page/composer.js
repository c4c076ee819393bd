/** Where a person writes: Enter sends, slash commands and mentions complete themselves, files are dropped or chosen. */

import { act, upload } from "./api.js";
import { complete } from "./completion.js";
import { h, replaceChildren, uid } from "./dom.js";
import { pictureOf, size } from "./files.js";
import { icon } from "./icons.js";
import { store } from "./store.js";
import { attempt } from "./toast.js";

const drafts = new Map();

/**
 * `place()` gives {channel, thread_ts?}; `placeholder` the hint; `dropTarget` the area that takes dropped files.
 * Returns {node, focus, refresh}.
 */
export function composer({ place, placeholder, label, dropTarget, onEscape }) {
  let files = [];
  let sending = false;
  const listId = uid("completion");
  const area = h("textarea", {
    class: "composer-text",
    rows: "1",
    "aria-label": label(),
    placeholder: placeholder(),
    autocomplete: "off",
    spellcheck: "true",
    role: "combobox",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": listId,
    enterkeyhint: "send",
  });
  const chosen = h("ul", { class: "file-list composer-files", "aria-label": "Files to send" });
  const picker = h("input", {
    type: "file",
    multiple: true,
    class: "visually-hidden",
    tabindex: "-1",
    "aria-hidden": "true",
    onchange: () => {
      attach(picker.files);
      picker.value = "";
      area.focus();
    },
  });
  const send = h(
    "button",
    { type: "button", class: "composer-send", "aria-label": "Send", title: "Send (Enter)", onclick: () => submit() },
    icon("send"),
  );
  const tool = (title, sign, run) =>
    h("button", { type: "button", class: "icon-button", "aria-label": title, title, onclick: run }, icon(sign));
  const usage = h("p", { class: "composer-usage", hidden: true });
  const box = h(
    "div",
    { class: "composer-box" },
    chosen,
    area,
    h(
      "div",
      { class: "composer-bar" },
      tool("Attach files", "clip", () => picker.click()),
      tool("Mention somebody", "at", () => insert("@")),
      tool("Slash commands", "slash", () => {
        if (!area.value) insert("/");
        else area.focus();
      }),
      usage,
      h("span", { class: "composer-space" }),
      send,
    ),
  );
  const suggestions = complete(area, box, listId);
  const node = h("div", { class: "composer" }, box, picker);
  const draftKey = () => `${store.me}/${place().channel}/${place().thread_ts ?? ""}`;

  function insert(sign) {
    const before = area.value.slice(0, area.selectionStart);
    area.setRangeText(
      before && !/\s$/u.test(before) && sign === "@" ? ` ${sign}` : sign,
      area.selectionStart,
      area.selectionEnd,
      "end",
    );
    area.focus();
    changed();
  }

  function grow() {
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight, 220)}px`;
  }

  function changed() {
    grow();
    drafts.set(draftKey(), area.value);
    send.disabled = sending || (!area.value.trim() && !files.length);
    const command =
      area.value.startsWith("/") && store.commands.find((one) => one.command === area.value.split(/\s/u)[0]);
    usage.hidden = !command;
    if (command) usage.textContent = command.usage_hint || command.description || "";
    suggestions.update();
  }

  function attach(fresh) {
    files = [...files, ...fresh];
    drawFiles();
    changed();
  }

  function drawFiles() {
    chosen.hidden = !files.length;
    replaceChildren(
      chosen,
      files.map((file) =>
        h(
          "li",
          { class: "file-chip" },
          pictureOf(file),
          h("span", { class: "file-words" }, h("span", {}, file.name), h("small", {}, size(file.size))),
          h(
            "button",
            {
              type: "button",
              class: "icon-button icon-button--tiny",
              "aria-label": `Remove ${file.name}`,
              onclick: () => {
                files = files.filter((one) => one !== file);
                drawFiles();
                changed();
                area.focus();
              },
            },
            icon("close"),
          ),
        ),
      ),
    );
  }

  async function submit() {
    const text = area.value.trim();
    if (sending || (!text && !files.length)) return;
    const target = { user: store.me, ...place() };
    const command = !files.length && /^\/[\w-]+/u.exec(text)?.[0];
    const kept = { value: area.value, files };
    const key = draftKey();
    clear();
    sending = true;
    const answer = await attempt(
      command
        ? act("command", { ...target, command, text: text.slice(command.length).trim() })
        : kept.files.length
          ? upload({ ...target, text: text || null }, kept.files)
          : act("message", { ...target, text }),
    );
    sending = false;
    if (answer === null && draftKey() === key && !area.value) restore(kept);
    changed();
  }

  function clear() {
    area.value = "";
    files = [];
    drawFiles();
    changed();
  }

  function restore(kept) {
    area.value = kept.value;
    files = kept.files;
    drawFiles();
  }

  area.addEventListener("input", changed);
  area.addEventListener("keydown", (event) => {
    if (suggestions.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape") onEscape?.();
  });
  area.addEventListener("paste", (event) => {
    if (!event.clipboardData?.files.length) return;
    event.preventDefault();
    attach(event.clipboardData.files);
  });

  const over = (event, on) => {
    if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
    event.preventDefault();
    dropTarget.classList.toggle("dropping", on);
  };
  dropTarget.addEventListener("dragover", (event) => over(event, true));
  dropTarget.addEventListener("dragleave", (event) => !dropTarget.contains(event.relatedTarget) && over(event, false));
  dropTarget.addEventListener("drop", (event) => {
    over(event, false);
    if (!event.dataTransfer?.files.length || event.defaultPrevented === false) return;
    attach(event.dataTransfer.files);
    area.focus();
  });

  /** Call when the place has changed: takes up its draft and words. */
  function refresh() {
    area.value = drafts.get(draftKey()) ?? "";
    area.placeholder = placeholder();
    area.setAttribute("aria-label", label());
    files = [];
    drawFiles();
    changed();
    suggestions.close();
  }

  drawFiles();
  changed();
  return { node, focus: () => area.focus({ preventScroll: true }), refresh };
}
