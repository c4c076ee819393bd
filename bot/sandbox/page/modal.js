/** Modals: the stack of views that the app opened for this person, with their values, errors and loading states. */

import { act, read } from "./api.js";
import { renderBlocks } from "./blocks/index.js";
import { h, replaceChildren, uid } from "./dom.js";
import { handOver } from "./files.js";
import { icon } from "./icons.js";
import { plain } from "./mrkdwn.js";
import { tellUnacknowledged } from "./message.js";
import { local } from "./router.js";
import { store } from "./store.js";
import { attempt, toast } from "./toast.js";

const REQUIRED = "Please fill in this field.";
const EMPTY = [null, undefined, ""];

/** What a person can get wrong before the app is asked, by element type: returns the sentence, or null. */
const CHECKS = {
  email_text_input: (state) =>
    /^[^\s@]+@[^\s@]+\.[^\s@]+$/u.test(state.value) ? null : "Enter an e-mail address, for example maria@example.com.",
  url_text_input: (state) =>
    /^[a-z][a-z0-9+.-]*:\/\/\S+$/iu.test(state.value)
      ? null
      : "Enter a whole web address, for example https://example.com.",
  number_input: (state, element) => {
    const value = Number(state.value);
    if (!Number.isFinite(value)) return "Enter a number.";
    if (!element.is_decimal_allowed && !Number.isInteger(value)) return "Enter a whole number.";
    if (EMPTY.includes(element.min_value) === false && value < Number(element.min_value))
      return `Enter ${element.min_value} or more.`;
    if (EMPTY.includes(element.max_value) === false && value > Number(element.max_value))
      return `Enter ${element.max_value} or less.`;
    return null;
  },
  plain_text_input: (state, element) => {
    if (element.min_length && state.value.length < element.min_length)
      return `Write at least ${element.min_length} characters.`;
    return null;
  },
};

function isEmpty(state) {
  if (!state) return true;
  const { type: _type, ...rest } = state;
  return Object.values(rest).every((value) => EMPTY.includes(value) || (Array.isArray(value) && value.length === 0));
}

export function modals() {
  let stack = [];
  let errors = {};
  let busy = false;
  let shownId = null;
  let wanted = 0;
  let opener = null;
  const values = new Map();
  const titleId = uid("modal");
  const dialog = h("dialog", { class: "dialog modal", "aria-labelledby": titleId, data: { role: "modal" } });
  document.body.append(dialog);
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    if (event.target === dialog) close();
  });
  const top = () => stack.at(-1);
  const keyOf = (view, block, element) => `${view.id}\n${block.block_id}\n${element.action_id}`;

  /** Reads the stack again; the server's word counts, a person's entries stay where block and action are the same. */
  async function refresh() {
    wanted += 1;
    const mine = wanted;
    const answer = await attempt(read("views", { user: store.me }));
    if (!answer || mine !== wanted) return;
    show(answer.stack ?? []);
  }

  function show(fresh) {
    const before = top();
    stack = fresh;
    if (!top()) return hide();
    if (before?.id !== top().id) errors = {};
    if (!dialog.open) {
      opener = document.activeElement;
      dialog.showModal();
    }
    draw();
  }

  function hide() {
    stack = [];
    errors = {};
    busy = false;
    shownId = null;
    if (!dialog.open) return;
    dialog.close();
    dialog.replaceChildren();
    opener?.focus?.({ preventScroll: true });
  }

  function draw() {
    const view = top();
    const focused = shownId === view.id && dialog.contains(document.activeElement) ? document.activeElement : null;
    const key = focused?.closest("[data-key]")?.dataset.key;
    const selection = focused && "selectionStart" in focused ? [focused.selectionStart, focused.selectionEnd] : null;
    const scroll = dialog.querySelector(".dialog-body")?.scrollTop ?? 0;
    const needsSubmit = view.submit || view.blocks.some((block) => block.type === "input");
    replaceChildren(
      dialog,
      h(
        "header",
        { class: "dialog-head" },
        stack.length > 1 &&
          h(
            "button",
            { type: "button", class: "icon-button", "aria-label": "Back", title: "Back", onclick: close },
            icon("back"),
          ),
        h("h2", { class: "dialog-title", id: titleId }, plain(view.title?.text ?? "")),
        h(
          "button",
          { type: "button", class: "icon-button", "aria-label": "Close", title: "Close (Esc)", onclick: closeAll },
          icon("close"),
        ),
      ),
      h(
        "form",
        {
          class: "dialog-form",
          novalidate: true,
          onsubmit: (event) => {
            event.preventDefault();
            submit();
          },
        },
        h("div", { class: "dialog-body surface", tabindex: "-1" }, renderBlocks(view.blocks, context(view))),
        h(
          "footer",
          { class: "dialog-foot" },
          h(
            "button",
            { type: "button", class: "button", onclick: close },
            plain(view.close?.text ?? (needsSubmit ? "Cancel" : "Close")),
          ),
          needsSubmit &&
            h(
              "button",
              {
                type: "submit",
                class: "button button--primary",
                "aria-busy": busy ? "true" : null,
                data: { key: "submit" },
              },
              h("span", {}, plain(view.submit?.text ?? "Submit")),
            ),
        ),
      ),
    );
    const body = dialog.querySelector(".dialog-body");
    if (shownId === view.id) body.scrollTop = scroll;
    shownId = view.id;
    focusAgain(key, selection, body);
  }

  function focusAgain(key, selection, body) {
    const wrong = dialog.querySelector("[aria-invalid=true]");
    const again = key && [...dialog.querySelectorAll("[data-key]")].find((node) => node.dataset.key === key);
    const first = body.querySelector("input:not([type=hidden]), textarea, .combo, button, a");
    const target =
      (Object.keys(errors).length && wrong) || again || first || dialog.querySelector("[type=submit]") || body;
    target.focus({ preventScroll: target === first });
    if (target === again && selection && selection[0] !== null && "setSelectionRange" in target) {
      try {
        target.setSelectionRange(...selection);
      } catch {
        // An input type that has no selection, such as a date: nothing to give back.
      }
    }
  }

  const context = (view) => ({
    errors,
    set: (block, element, state) => values.set(keyOf(view, block, element), state),
    get: (block, element) => values.get(keyOf(view, block, element)) ?? kept(view, block, element),
    act: async (action) =>
      tellUnacknowledged(await attempt(act("click", { user: store.me, view: view.id, ...action }))),
    follow: (event, href, tell) => {
      const here = local(href);
      if (here) {
        event.preventDefault();
        location.hash = here;
      }
      tell();
    },
  });

  /** What the workspace remembers of an entry, after the page was loaded again; files cannot be shown from there. */
  function kept(view, block, element) {
    const state = view.state?.values?.[block.block_id]?.[element.action_id];
    return element.type === "file_input" || isEmpty(state) ? undefined : state;
  }

  function mistakes(view) {
    const found = {};
    for (const block of view.blocks.filter((one) => one.type === "input")) {
      const state = values.get(keyOf(view, block, block.element));
      const empty = isEmpty(state);
      if (empty && !block.optional) found[block.block_id] = REQUIRED;
      else if (!empty) {
        const sentence = CHECKS[block.element.type]?.(state, block.element);
        if (sentence) found[block.block_id] = sentence;
      }
    }
    return found;
  }

  async function collect(view) {
    const out = {};
    for (const block of view.blocks) {
      for (const element of [block.element, block.accessory, ...(block.elements ?? [])].filter(
        (one) => one?.action_id,
      )) {
        const state = values.get(keyOf(view, block, element));
        if (!state) continue;
        (out[block.block_id] ??= {})[element.action_id] =
          element.type === "file_input"
            ? { type: "file_input", files: await handOver(store.me, state.files ?? []) }
            : state;
      }
    }
    return out;
  }

  async function submit() {
    const view = top();
    if (busy || !view) return;
    errors = mistakes(view);
    if (Object.keys(errors).length) return draw();
    busy = true;
    draw();
    const answer = await attempt(
      collect(view).then((filled) => act("submit", { user: store.me, view: view.id, values: filled })),
    );
    busy = false;
    if (answer?.response_action === "failed")
      toast(`${store.app.name} did not take it: ${answer.error}. Nothing is lost, you can try again.`, "error");
    if (answer?.response_action === "errors") {
      errors = answer.errors ?? {};
      draw();
      const unknown = Object.keys(errors).filter((block) => !view.blocks.some((one) => one.block_id === block));
      if (unknown.length) toast(Object.values(errors).join(" "), "error");
      return;
    }
    errors = {};
    await refresh();
    if (top()) draw();
  }

  async function close() {
    const view = top();
    if (!view) return;
    await attempt(act("close", { user: store.me, view: view.id }));
    await refresh();
  }

  async function closeAll() {
    if (!top()) return;
    await attempt(act("close", { user: store.me, view: top().id, all: true }));
    await refresh();
  }

  return { refresh, hide };
}
