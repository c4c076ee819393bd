/** One message: who, when, what, and everything that a reader can do with it. */

import { act } from "./api.js";
import { renderAttachment, renderBlocks } from "./blocks/index.js";
import { h } from "./dom.js";
import { QUICK_REACTIONS, picker, picture } from "./emoji.js";
import { fileCard } from "./files.js";
import { icon } from "./icons.js";
import { mrkdwn, unescape } from "./mrkdwn.js";
import { appTag, avatar } from "./people.js";
import { menu, popover } from "./popover.js";
import { roving } from "./roving.js";
import { go, local, permalink } from "./router.js";
import { store } from "./store.js";
import { attempt, toast } from "./toast.js";
import { clock, dateOfTs, full, when } from "./time.js";

export const isReply = (message) => Boolean(message.thread_ts && message.thread_ts !== message.ts);
export const isBroadcast = (message) => message.subtype === "thread_broadcast";
export const author = (message) => message.user ?? message.bot_id ?? store.app.bot_user_id;

/** What the app is told failed, in words. */
const UNACKNOWLEDGED = {
  operation_timeout: "did not answer within three seconds",
  http_timeout: "did not answer within three seconds",
  dispatch_failed: "is not connected, so nobody received that",
  connection_failed: "could not be reached",
  http_error: "answered with an error",
};

export function tellUnacknowledged(answer) {
  if (!answer || answer.acknowledged !== false) return;
  const code = answer.error ?? "operation_timeout";
  toast(`${store.app.name} ${UNACKNOWLEDGED[code] ?? "did not take it"} (${code}).`, "error");
}

/** What clicks inside a message do. */
function context(message) {
  return {
    act: async (action) =>
      tellUnacknowledged(
        await attempt(act("click", { user: store.me, channel: message.channel, ts: message.ts, ...action })),
      ),
    follow: (event, href, tell) => {
      const here = local(href);
      if (here) {
        event.preventDefault();
        location.hash = here;
      }
      tell();
    },
  };
}

function isTyped(message) {
  return (
    !message.bot_id &&
    message.blocks?.length === 1 &&
    message.blocks[0].type === "rich_text" &&
    typeof message.text === "string"
  );
}

function body(message) {
  const inside = context(message);
  const blocks = message.blocks?.length && !isTyped(message) ? renderBlocks(message.blocks, inside) : null;
  return [
    blocks ?? (message.text ? h("div", { class: "text" }, mrkdwn(message.text)) : null),
    (message.attachments ?? []).map((attachment) => renderAttachment(attachment, inside)),
    message.files?.length > 0 && h("div", { class: "files" }, message.files.map(fileCard)),
  ];
}

async function toggle(message, name) {
  const mine = (message.reactions ?? []).find((one) => one.name === name)?.users.includes(store.me);
  await attempt(
    act("react", { user: store.me, channel: message.channel, ts: message.ts, name, remove: Boolean(mine) }),
  );
}

function reactions(message) {
  if (!message.reactions?.length) return null;
  const bar = h(
    "div",
    { class: "reactions", role: "group", "aria-label": "Reactions" },
    message.reactions.map((one) => {
      const who = one.users.map((id) => (id === store.me ? "you" : store.displayName(id))).join(", ");
      const mine = one.users.includes(store.me);
      return h(
        "button",
        {
          type: "button",
          class: ["reaction", mine && "reaction--mine"],
          "aria-pressed": String(mine),
          title: `${who} reacted with :${one.name}:`,
          "aria-label": `${one.name.replaceAll("_", " ")}, ${one.count ?? one.users.length}: ${who}`,
          data: { key: `reaction/${one.name}` },
          onclick: () => toggle(message, one.name),
        },
        h("span", { "aria-hidden": "true" }, picture(one.name)),
        h("span", { class: "count" }, one.count ?? one.users.length),
      );
    }),
    h(
      "button",
      {
        type: "button",
        class: "reaction reaction--add",
        "aria-label": "Add a reaction",
        "aria-haspopup": "dialog",
        "aria-expanded": "false",
        onclick: (event) => pick(event.currentTarget, message),
      },
      icon("smile"),
    ),
  );
  return bar;
}

export function pick(anchor, message) {
  const grid = h(
    "div",
    { class: "emoji-grid", role: "group", "aria-label": "Choose a reaction" },
    picker().map((name, i) =>
      h(
        "button",
        {
          type: "button",
          class: "emoji-choice",
          tabindex: i ? "-1" : "0",
          "aria-label": name.replaceAll("_", " "),
          title: `:${name}:`,
          onclick: () => {
            layer?.close();
            toggle(message, name);
          },
        },
        picture(name),
      ),
    ),
  );
  roving(grid, ".emoji-choice", "both");
  const layer = popover(anchor, grid, { align: "end" });
  if (layer) grid.querySelector("button").focus();
}

function replyBar(message) {
  if (!message.reply_count || isReply(message) || message.inThread) return null;
  const faces = (message.reply_users ?? []).slice(0, 4);
  const words = `${message.reply_count} ${message.reply_count === 1 ? "reply" : "replies"}`;
  return h(
    "button",
    { type: "button", class: "reply-bar", data: { key: "replies" }, onclick: () => openThread(message) },
    h(
      "span",
      { class: "faces", "aria-hidden": "true" },
      faces.map((id) => avatar(id, "small")),
    ),
    h("strong", {}, words),
    message.latest_reply && h("small", {}, `last ${when(dateOfTs(message.latest_reply))}`),
    h("span", { class: "reply-open" }, "View thread", icon("right")),
  );
}

export function openThread(message, focus = true) {
  go({
    channel: message.channel,
    ts: focus && isReply(message) ? message.ts : null,
    thread: message.thread_ts ?? message.ts,
  });
}

async function copy(text, said) {
  try {
    await navigator.clipboard.writeText(text);
    toast(said);
  } catch {
    toast(`This browser did not allow copying. The link is ${text}`, "error");
  }
}

function menuItems(message, anchor) {
  const shortcuts = store.shortcuts.filter((one) => one.type === "message");
  return [
    { label: "Add a reaction…", icon: icon("smile"), run: () => pick(anchor, message) },
    !isReply(message) && { label: "Reply in thread", icon: icon("reply"), run: () => openThread(message) },
    isReply(message) && { label: "Open thread", icon: icon("reply"), run: () => openThread(message) },
    {
      label: "Copy link",
      icon: icon("link"),
      run: () => copy(permalink(message.channel, message.ts, message.thread_ts), "Link copied."),
    },
    { label: "Copy text", icon: icon("file"), run: () => copy(unescape(message.text ?? ""), "Text copied.") },
    shortcuts.length > 0 && { heading: "Shortcuts" },
    ...shortcuts.map((one) => ({
      label: one.name,
      hint: store.app.name,
      icon: icon("bolt"),
      run: async () =>
        tellUnacknowledged(
          await attempt(
            act("shortcut", { user: store.me, callback_id: one.callback_id, channel: message.channel, ts: message.ts }),
          ),
        ),
    })),
  ];
}

function toolbar(message) {
  const tool = (label, sign, run, more = {}) =>
    h(
      "button",
      {
        type: "button",
        class: "tool",
        tabindex: "-1",
        "aria-label": label,
        title: label,
        onclick: (event) => run(event.currentTarget),
        ...more,
      },
      sign,
    );
  return h(
    "div",
    { class: "toolbar", role: "group", "aria-label": "Message actions" },
    QUICK_REACTIONS.map((name) =>
      tool(`React with ${name.replaceAll("_", " ")}`, picture(name), () => toggle(message, name), {
        class: "tool tool--quick",
      }),
    ),
    tool("Add a reaction", icon("smile"), (anchor) => pick(anchor, message), {
      class: "tool tool--wide",
      "aria-haspopup": "dialog",
    }),
    !isReply(message) &&
      tool("Reply in thread", icon("reply"), () => openThread(message), { class: "tool tool--wide" }),
    tool("More actions", icon("more"), (anchor) => menu(anchor, menuItems(message, anchor), { align: "end" }), {
      class: "tool tool--more",
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      data: { key: "more" },
    }),
  );
}

function keys(event, message, node) {
  if (event.target !== node || event.ctrlKey || event.metaKey || event.altKey) return;
  const more = node.querySelector(".tool--more");
  const run = {
    Enter: () => !message.is_ephemeral && openThread(message),
    t: () => !message.is_ephemeral && openThread(message),
    r: () => !message.is_ephemeral && more && pick(more, message),
    m: () => more?.click(),
  }[event.key];
  if (!run) return;
  event.preventDefault();
  run();
}

function about(message) {
  if (message.is_ephemeral) return h("p", { class: "about" }, icon("eye"), "Only visible to you");
  if (isBroadcast(message) && !message.inThread) {
    return h(
      "p",
      { class: "about" },
      icon("reply"),
      h("button", { type: "button", class: "text-link", onclick: () => openThread(message) }, "replied to a thread"),
      message.root?.text && h("span", { class: "about-root" }, unescape(message.root.text)),
    );
  }
  if (isBroadcast(message)) return h("p", { class: "about" }, icon("hash"), "also sent to the channel");
  return null;
}

/** What happened rather than what was said: somebody joined, a topic was set, a message is gone. */
const isNotice = (message) => message.subtype === "tombstone" || /^(?:channel|group)_/u.test(message.subtype ?? "");

function notice(message) {
  const date = dateOfTs(message.ts);
  const node = h(
    "article",
    {
      class: "message message--notice",
      tabindex: "-1",
      "aria-label": unescape(message.text ?? ""),
      data: { ts: message.ts },
      onkeydown: (event) => keys(event, message, node),
    },
    h("div", { class: "gutter" }),
    h(
      "div",
      { class: "content" },
      h(
        "div",
        { class: "body" },
        mrkdwn(message.text ?? ""),
        " ",
        h("time", { class: "time", datetime: date.toISOString(), title: full(date) }, clock(date)),
      ),
      replyBar(message),
    ),
  );
  return node;
}

/**
 * The message as an article. `compact` leaves out face and name, for a run of messages of one author; `message.channel`
 * must be set.
 */
export function messageNode(message, { compact = false } = {}) {
  if (isNotice(message)) return notice(message);
  const who = author(message);
  const date = dateOfTs(message.ts);
  const name = store.displayName(who);
  const time = (props) =>
    h(
      "a",
      {
        class: "time",
        href: permalink(message.channel, message.ts, message.thread_ts).replace(location.origin + "/", ""),
        tabindex: "-1",
        ...props,
      },
      h("time", { datetime: date.toISOString(), title: full(date) }, clock(date)),
    );
  const said = isTyped(message) || !(message.blocks?.length || message.attachments?.length);
  const edited = message.edited
    ? h("span", { class: "edited", title: `Edited ${full(dateOfTs(message.edited.ts ?? message.ts))}` }, "(edited)")
    : null;
  const node = h(
    "article",
    {
      class: [
        "message",
        compact && "message--compact",
        message.is_ephemeral && "message--ephemeral",
        isBroadcast(message) && "message--broadcast",
      ],
      tabindex: "-1",
      "aria-label": `${name}, ${when(date)}${said ? "" : `: ${unescape(message.text ?? "")}`}`,
      data: { ts: message.ts, user: who },
      onkeydown: (event) => keys(event, message, node),
    },
    h("div", { class: "gutter" }, compact ? time({ class: "time time--gutter" }) : avatar(who)),
    h(
      "div",
      { class: "content" },
      about(message),
      !compact &&
        h(
          "header",
          { class: "byline" },
          h("button", { type: "button", class: "name", tabindex: "-1", data: { user: who } }, name),
          store.user(who).is_bot && appTag(),
          time(),
          !said && edited,
        ),
      h("div", { class: "body" }, body(message), (said || compact) && edited),
      reactions(message),
      replyBar(message),
    ),
    !message.is_ephemeral && toolbar(message),
  );
  return node;
}
