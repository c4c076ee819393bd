/** A scrolling list of messages with day dividers, kept in step with what happens, calm about where the reader is. */

import { h, swap } from "./dom.js";
import { icon } from "./icons.js";
import { author, messageNode } from "./message.js";
import { stop } from "./roving.js";
import { store } from "./store.js";
import { dateOfTs, dayKey, dayName } from "./time.js";

const RUN_SECONDS = 300;
const NEAR_PX = 90;
const PAGE = 150; // drawn at once
const FETCHED = 200; // what the workspace answers at once

/**
 * `accepts(message)` says which messages belong here; `empty()` builds what stands where there are none; `decorate`
 * may add a row after a message; `older(ts)` resolves to messages before that one, where the workspace has more.
 */
export function messageList({ label, accepts, empty, decorate, older }) {
  const all = new Map();
  let from = 0;
  let complete = true;
  let stuck = true;
  const list = h("div", { class: "messages", role: "feed", "aria-label": label });
  const newer = h(
    "button",
    { type: "button", class: "newer", hidden: true, onclick: () => toEnd(true) },
    "New messages",
    icon("down"),
  );
  const scroller = h("div", { class: "scroller" }, list);
  const node = h("div", { class: "message-area" }, scroller, newer);

  scroller.addEventListener(
    "scroll",
    () => {
      stuck = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_PX;
      if (stuck) newer.hidden = true;
    },
    { passive: true },
  );
  new ResizeObserver(() => stuck && jump()).observe(scroller);

  function jump() {
    scroller.scrollTop = scroller.scrollHeight;
  }

  function toEnd(smooth = false) {
    stuck = true;
    scroller.scrollTo({ top: scroller.scrollHeight, behavior: smooth ? "smooth" : "instant" });
  }

  const sorted = () => [...all.values()].filter(accepts).sort((a, b) => (a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : 0));

  function compactAfter(message, before) {
    return Boolean(
      before &&
      author(before) === author(message) &&
      Number(message.ts) - Number(before.ts) < RUN_SECONDS &&
      !message.is_ephemeral &&
      !before.is_ephemeral &&
      message.subtype !== "thread_broadcast" &&
      !before.reply_count &&
      !(message.blocks?.length && message.bot_id) &&
      dayKey(dateOfTs(before.ts)) === dayKey(dateOfTs(message.ts)),
    );
  }

  const dayDivider = (ts) =>
    h(
      "div",
      { class: "day", role: "separator", "aria-label": dayName(dateOfTs(ts)) },
      h("span", {}, dayName(dateOfTs(ts))),
    );

  /** Draws everything; used when the list is opened and for rare changes in the middle. */
  function draw() {
    const rows = sorted();
    from = Math.min(from, Math.max(0, rows.length - 1));
    const shown = rows.slice(from);
    const nodes = [];
    if (from > 0 || !complete)
      nodes.push(
        h(
          "button",
          { type: "button", class: "button button--quiet button--small earlier", onclick: earlier },
          "Show earlier messages",
        ),
      );
    shown.forEach((message, i) => {
      const before = shown[i - 1];
      if (!before || dayKey(dateOfTs(before.ts)) !== dayKey(dateOfTs(message.ts))) nodes.push(dayDivider(message.ts));
      nodes.push(messageNode(message, { compact: compactAfter(message, before) }));
      const extra = decorate?.(message, rows);
      if (extra) nodes.push(extra);
    });
    if (!rows.length && empty) nodes.push(empty());
    list.replaceChildren(...nodes);
    stop(list, ".message", list.querySelector(".message:last-of-type"));
  }

  async function earlier() {
    const height = scroller.scrollHeight - scroller.scrollTop;
    if (from === 0) {
      const before = (await older(sorted()[0].ts)) ?? [];
      for (const message of before) all.set(message.ts, message);
      complete = before.length < FETCHED;
    } else from = Math.max(0, from - PAGE);
    draw();
    scroller.scrollTop = scroller.scrollHeight - height;
  }

  function show(messages) {
    all.clear();
    for (const message of messages) all.set(message.ts, message);
    complete = !older || messages.length < FETCHED;
    from = Math.max(0, sorted().length - PAGE);
    draw();
    toEnd();
  }

  const nodeOf = (ts) => list.querySelector(`.message[data-ts="${CSS.escape(ts)}"]`);

  /** Adds or replaces one message; the reader's place and focus stay. Returns true if it is new here. */
  function put(message) {
    const known = all.has(message.ts);
    const pinned = stuck;
    all.set(message.ts, message);
    if (!accepts(message)) return false;
    const old = known && nodeOf(message.ts);
    if (old) {
      const fresh = messageNode(message, { compact: old.classList.contains("message--compact") });
      fresh.tabIndex = old.tabIndex;
      swap(old, fresh);
      if (decorate) redecorate();
    } else append(message);
    if (pinned || (!known && message.user === store.me)) toEnd();
    else if (!known) newer.hidden = false;
    return !known;
  }

  function append(message) {
    const rows = sorted();
    const before = rows[rows.indexOf(message) - 1];
    if (rows.at(-1) !== message || rows.length === 1) {
      const focused = document.activeElement?.closest?.(".message")?.dataset.ts;
      const inside = list.contains(document.activeElement);
      draw();
      if (inside && focused) nodeOf(focused)?.focus({ preventScroll: true });
      nodeOf(message.ts)?.classList.add("message--new");
      return;
    }
    if (dayKey(dateOfTs(before.ts)) !== dayKey(dateOfTs(message.ts))) list.append(dayDivider(message.ts));
    const node = messageNode(message, { compact: compactAfter(message, before) });
    node.classList.add("message--new");
    list.append(node);
    if (decorate) redecorate();
    if (!list.contains(document.activeElement)) stop(list, ".message", node);
  }

  function redecorate() {
    for (const extra of list.querySelectorAll("[data-extra]")) extra.remove();
    for (const message of sorted()) {
      const extra = decorate(message, sorted());
      if (extra) nodeOf(message.ts)?.after(extra);
    }
  }

  function remove(ts) {
    if (all.delete(ts)) draw();
  }

  /** Shows where a linked message stands. Returns false if it is not here. */
  function focus(ts) {
    const rows = sorted();
    const at = rows.findIndex((message) => message.ts === ts);
    if (at < 0) return false;
    if (at < from) {
      from = Math.max(0, at - 20);
      draw();
    }
    const target = nodeOf(ts);
    stuck = false;
    target.scrollIntoView({ block: "center" });
    target.classList.add("message--linked");
    setTimeout(() => target.classList.remove("message--linked"), 2600);
    target.focus({ preventScroll: true });
    return true;
  }

  list.addEventListener("keydown", (event) => {
    if (!event.target.matches(".message") || event.ctrlKey || event.metaKey || event.altKey) return;
    const rows = [...list.querySelectorAll(".message")];
    const at = rows.indexOf(event.target);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (next === undefined || !rows[next]) return;
    event.preventDefault();
    rows[next].focus({ preventScroll: true });
    rows[next].scrollIntoView({ block: "nearest" });
  });
  list.addEventListener("focusin", (event) => {
    const row = event.target.closest(".message");
    if (row) stop(list, ".message", row);
  });

  return {
    node,
    show,
    put,
    remove,
    focus,
    focusLast: () => list.querySelector(".message[tabindex='0']")?.focus(),
    messages: () => sorted(),
  };
}
