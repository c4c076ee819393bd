/** Puts the page together: reads as a table of contents of what the workspace shows and what happens to it. */

import "./appearance.js";
import { channelView, openDirect } from "./channel.js";
import { h, replaceChildren } from "./dom.js";
import { follow } from "./live.js";
import { author, isBroadcast, isReply } from "./message.js";
import { modals } from "./modal.js";
import { unescape } from "./mrkdwn.js";
import { panel } from "./panel.js";
import { closePopover } from "./popover.js";
import { local, note, parse } from "./router.js";
import { sidebar } from "./sidebar.js";
import { store } from "./store.js";
import { openSwitcher } from "./switcher.js";
import { threadView } from "./thread.js";
import { announce, attempt } from "./toast.js";
import { read } from "./api.js";

const $ = (id) => document.getElementById(id);
const shell = $("shell");
const NARROW = matchMedia("(max-width: 900px)");
let endLive = null;

const side = panel($("panel"), shell, { onChange: () => main.refreshHeader() });
const main = channelView($("main"), { openDrawer: () => drawer(true), panelButton: () => side.button() });
const thread = threadView($("thread"), { onClose: closeThread });
const left = sidebar($("sidebar"), { onSwitch: actAs, onFind: openSwitcher, onGo: () => drawer(false) });
const modal = modals();

// Where we are ---------------------------------------------------------------------------------------------------

function drawer(open) {
  shell.classList.toggle("drawer-open", open);
  $("scrim").hidden = !open;
  $("stage").inert = open;
  if (NARROW.matches) $("sidebar").inert = !open;
  if (open) left.focus();
}

function firstPlace() {
  const channels = [...store.channels.values()].filter((channel) => channel.kind !== "dm");
  return (
    channels.find((channel) => channel.unread) ??
    channels.find((channel) => channel.members?.includes(store.me) && channel.name !== "general") ??
    channels[0]
  );
}

async function show() {
  closePopover();
  const place = parse(location.hash);
  if (place?.home) {
    setThread(false);
    left.mark("home");
    return main.openHome();
  }
  const channel = (place && store.findChannel(place.channel)) ?? firstPlace();
  if (!channel) return null;
  left.mark(channel.id);
  if (!place || channel.id !== place.channel) note({ channel: channel.id, ts: place?.ts, thread: place?.thread });
  const inThread = place?.thread && place.ts && place.ts !== place.thread;
  const found = await main.open(channel, inThread ? null : place?.ts);
  if (place?.thread) return openThread(channel, place.thread, inThread ? place.ts : null);
  if (place?.ts && !found) return findReply(channel, place.ts);
  setThread(false);
  return focusHere(place);
}

function focusHere(place) {
  if (!place?.ts && !matchMedia("(pointer: coarse)").matches && !document.querySelector("dialog[open]"))
    main.focusWriter();
}

/** A link may name a reply without its thread: the threads that were answered since are looked through, newest first. */
async function findReply(channel, ts) {
  const roots = main.list
    .messages()
    .filter((message) => message.reply_count && message.ts < ts && (message.latest_reply ?? ts) >= ts)
    .reverse();
  for (const root of roots) {
    const answer = await attempt(read("messages", { channel: channel.id, thread_ts: root.ts, user: store.me }));
    if (answer?.messages.some((message) => message.ts === ts)) return openThread(channel, root.ts, ts);
  }
  return setThread(false);
}

async function openThread(channel, root, ts) {
  setThread(true);
  await thread.open(channel, root, ts);
}

function setThread(open) {
  shell.classList.toggle("with-thread", open);
  if (!open) thread.close();
}

function closeThread() {
  const root = thread.root();
  const channel = main.current();
  setThread(false);
  if (channel) note({ channel: channel.id });
  const row = root && $("main").querySelector(`.message[data-ts="${CSS.escape(root)}"]`);
  (row ?? $("main")).focus({ preventScroll: true });
}

async function actAs(user) {
  store.remember(user);
  modal.hide();
  setThread(false);
  main.leave();
  await start(user);
  announce(`You act as ${store.displayName(user)}.`);
}

// What happens ---------------------------------------------------------------------------------------------------

function placeMessage(channelId, message) {
  const full = { ...message, channel: channelId };
  if (thread.holds(channelId, full)) thread.list.put({ ...full, inThread: true });
  return main.current()?.id === channelId && !main.isHome() ? main.list.put(full) : false;
}

function newMessage({ channel: channelId, message }) {
  if (!message) return;
  const channel = store.channels.get(channelId);
  if (!channel) {
    refreshState();
    return;
  }
  placeMessage(channelId, message);
  const mine = message.user === store.me;
  const shown = main.current()?.id === channelId && !main.isHome() && !document.hidden;
  if (mine) return;
  if (shown) main.read(channel);
  else if (!isReply(message) || isBroadcast(message)) {
    channel.unread = (channel.unread ?? 0) + 1;
    store.tell("unread");
  }
  if (shown || thread.holds(channelId, message))
    announce(`${store.displayName(author(message))}: ${unescape(message.text ?? "")}`);
}

function removed({ channel, ts, message }) {
  const gone = ts ?? message?.ts;
  if (main.current()?.id === channel) main.list.remove(gone);
  if (thread.isOpen()) thread.list.remove(gone);
}

function changed({ channel, message }) {
  if (message) placeMessage(channel, message);
}

function reacted({ channel, ts, message }) {
  if (message) return placeMessage(channel, message);
  return main.current()?.id === channel || thread.isOpen() ? Promise.all([main.reload(), thread.reload()]) : ts;
}

async function refreshState() {
  await attempt(store.load(store.me));
  main.refreshHeader();
}

const mineOnly = (run) => (data) => (!data.user || data.user === store.me ? run(data) : null);

const HAPPENINGS = {
  message: newMessage,
  ephemeral: mineOnly(newMessage),
  message_changed: changed,
  message_deleted: removed,
  reaction: reacted,
  channel: refreshState,
  presence: refreshState,
  app: refreshState,
  view_opened: mineOnly(() => modal.refresh()),
  view_updated: mineOnly(() => modal.refresh()),
  view_closed: mineOnly(() => modal.refresh()),
  home: mineOnly((data) => main.isHome() && data.view && main.home.show(data.view)),
};

function connection(state, again) {
  const banner = $("banner");
  banner.hidden = state === "open";
  if (state === "lost")
    replaceChildren(
      banner,
      h("span", { class: "spinner" }),
      h(
        "span",
        {},
        h("strong", {}, "Reconnecting."),
        " The workspace does not answer; what you see may be out of date.",
      ),
    );
  if (state === "open" && again) {
    refreshState();
    main.reload();
    thread.reload();
    modal.refresh();
  }
}

// Keys that work everywhere ---------------------------------------------------------------------------------------

function keys(event) {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openSwitcher();
    return;
  }
  if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
  if (shell.classList.contains("drawer-open")) drawer(false);
  else if (side.isOver()) side.hide();
  else if (thread.isOpen()) closeThread();
}

function clicks(event) {
  const named = event.target.closest?.("[data-user]");
  if (!named || !event.target.closest("a.mention[data-user], button.name[data-user]")) return;
  event.preventDefault();
  if (named.dataset.user !== store.me) openDirect(event.target.closest("[data-user]").dataset.user);
}

// Start ----------------------------------------------------------------------------------------------------------

async function start(user) {
  endLive?.();
  await store.load(user);
  const live = follow(store.me, (kind, data) => HAPPENINGS[kind]?.(data), connection);
  endLive = live.end;
  await live.opened; // what is read from here on misses nothing
  await Promise.all([show(), modal.refresh()]);
  shell.removeAttribute("aria-busy");
}

function narrowness() {
  $("sidebar").inert = NARROW.matches && !shell.classList.contains("drawer-open");
  if (!NARROW.matches) drawer(false);
}

const permalink = location.pathname.startsWith("/archives/") && local(location.href);
if (permalink) history.replaceState(null, "", `/${permalink}`);

addEventListener("hashchange", show);
document.addEventListener("keydown", keys);
document.addEventListener("click", clicks);
document.addEventListener(
  "visibilitychange",
  () => !document.hidden && main.current()?.unread && main.read(main.current()),
);
$("scrim").addEventListener("click", () => drawer(false));
document.querySelector(".skip-link").addEventListener("click", (event) => {
  event.preventDefault();
  main.list.focusLast();
});
NARROW.addEventListener("change", narrowness);
narrowness();
side.load();
try {
  await start();
} catch (error) {
  shell.removeAttribute("aria-busy");
  replaceChildren(
    $("main"),
    h(
      "div",
      { class: "empty", role: "alert" },
      h("p", {}, h("strong", {}, "The workspace could not be read.")),
      h("p", {}, error.message),
      h("button", { type: "button", class: "button", onclick: () => location.reload() }, "Try again"),
    ),
  );
  if (error.name !== "Refused") throw error;
}
