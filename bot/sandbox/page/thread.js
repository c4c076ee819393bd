/** The thread beside the channel: its root, its replies, a place to answer. */

import { read } from "./api.js";
import { composer } from "./composer.js";
import { h, replaceChildren } from "./dom.js";
import { icon } from "./icons.js";
import { messageList } from "./messagelist.js";
import { store } from "./store.js";
import { attempt } from "./toast.js";

/** `onClose()` is called when the reader closes it. */
export function threadView(room, { onClose }) {
  let channel = null;
  let root = null;
  let loading = 0;
  const where = h("span", { class: "thread-where" });
  const belongs = (message) => message.ts === root || message.thread_ts === root;
  const list = messageList({
    label: "Thread",
    accepts: belongs,
    decorate: (message, rows) => {
      if (message.ts !== root || rows.length < 2) return null;
      const count = rows.filter((one) => !one.is_ephemeral).length - 1;
      return h(
        "div",
        { class: "thread-count", data: { extra: "count" }, role: "separator" },
        h("span", {}, `${count} ${count === 1 ? "reply" : "replies"}`),
      );
    },
  });
  const writer = composer({
    place: () => ({ channel: channel?.id ?? "", thread_ts: root }),
    placeholder: () => "Reply…",
    label: () => "Reply in thread",
    dropTarget: room,
  });
  room.append(
    h(
      "header",
      { class: "bar" },
      h(
        "button",
        {
          type: "button",
          class: "icon-button thread-back",
          "aria-label": "Back to the channel",
          title: "Back",
          onclick: onClose,
        },
        icon("back"),
      ),
      h("div", { class: "bar-title" }, h("h2", {}, "Thread"), where),
      h(
        "div",
        { class: "bar-tools" },
        h(
          "button",
          {
            type: "button",
            class: "icon-button thread-close",
            "aria-label": "Close thread",
            title: "Close (Esc)",
            onclick: onClose,
          },
          icon("close"),
        ),
      ),
    ),
    list.node,
    writer.node,
    h("div", { class: "drop-veil", "aria-hidden": "true" }, h("p", {}, icon("clip"), "Drop to attach")),
  );

  async function open(inChannel, ts, focusTs = null) {
    const fresh = channel?.id !== inChannel.id || root !== ts || room.hidden;
    channel = inChannel;
    root = ts;
    room.hidden = false;
    replaceChildren(where, channel.kind === "dm" ? store.channelTitle(channel) : `#${channel.name}`);
    if (fresh) {
      writer.refresh();
      await reload();
    }
    if (focusTs) list.focus(focusTs);
    else if (fresh && !matchMedia("(pointer: coarse)").matches) writer.focus();
  }

  async function reload() {
    if (!channel || room.hidden) return;
    loading += 1;
    const mine = loading;
    const answer = await attempt(read("messages", { channel: channel.id, thread_ts: root, user: store.me }));
    if (mine !== loading || !answer) return;
    list.show(answer.messages.map((message) => ({ ...message, channel: channel.id, inThread: true })));
  }

  function close() {
    room.hidden = true;
    root = null;
    channel = null;
  }

  return {
    open,
    close,
    reload,
    list,
    isOpen: () => !room.hidden,
    holds: (channelId, message) => !room.hidden && channel?.id === channelId && belongs(message),
    root: () => root,
  };
}
