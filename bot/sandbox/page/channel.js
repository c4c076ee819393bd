/** The middle of the page: one channel or direct message, or the app's Home, with its header. */

import { act, read } from "./api.js";
import { composer } from "./composer.js";
import { h, replaceChildren } from "./dom.js";
import { home } from "./home.js";
import { icon } from "./icons.js";
import { isBroadcast, isReply, tellUnacknowledged } from "./message.js";
import { messageList } from "./messagelist.js";
import { link, mrkdwn } from "./mrkdwn.js";
import { appTag, avatar } from "./people.js";
import { menu } from "./popover.js";
import { go } from "./router.js";
import { store } from "./store.js";
import { attempt } from "./toast.js";

/** `main` is the element to live in; `openDrawer()` shows the sidebar on a phone. */
export function channelView(main, { openDrawer, panelButton }) {
  let current = null;
  let loading = 0;
  const title = h("div", { class: "bar-title" });
  const extras = h("div", { class: "bar-tools" });
  const tabs = h("div", { class: "tabs", role: "tablist", "aria-label": "App" });
  const bar = h(
    "header",
    { class: "bar" },
    h(
      "button",
      {
        type: "button",
        class: "icon-button only-narrow",
        "aria-label": "Channels",
        title: "Channels",
        onclick: openDrawer,
      },
      icon("menu"),
    ),
    title,
    extras,
  );
  const list = messageList({
    label: "Messages",
    accepts: (message) => (message.is_ephemeral ? !message.thread_ts : !isReply(message) || isBroadcast(message)),
    empty: () => h("div", { class: "empty" }, emptyWords()),
    older,
  });
  const writer = composer({
    place: () => ({ channel: current?.id ?? "" }),
    placeholder: () => (current ? `Message ${current.kind === "dm" ? "" : "#"}${store.channelTitle(current)}` : ""),
    label: () => (current ? `Message to ${store.channelTitle(current)}` : "Message"),
    dropTarget: main,
  });
  const joinBar = h("div", { class: "join", hidden: true });
  const shelf = h("nav", { class: "shelf", "aria-label": "Bookmarks", hidden: true });
  const homeRoom = h("div", { class: "home-room", hidden: true });
  const appHome = home(homeRoom);
  main.append(
    bar,
    tabs,
    shelf,
    list.node,
    homeRoom,
    joinBar,
    writer.node,
    h("div", { class: "drop-veil", "aria-hidden": "true" }, h("p", {}, icon("clip"), "Drop to attach")),
  );

  function emptyWords() {
    if (!current) return [];
    if (current.kind === "dm")
      return [
        avatar(store.other(current)),
        h("p", {}, h("strong", {}, store.channelTitle(current))),
        h(
          "p",
          {},
          store.isApp(store.other(current))
            ? "What the app sends you alone stands here."
            : "This is the beginning of your conversation.",
        ),
      ];
    return [h("p", {}, h("strong", {}, `#${current.name}`)), h("p", {}, "Nothing has been said here yet.")];
  }

  function header(isHome) {
    const app = isHome || (current?.kind === "dm" && store.isApp(store.other(current)));
    if (app) {
      replaceChildren(
        title,
        avatar(store.app.bot_user_id, "medium"),
        h("h1", {}, store.app.name),
        appTag(),
        connection(),
      );
    } else if (current?.kind === "dm") {
      replaceChildren(title, avatar(store.other(current), "medium"), h("h1", {}, store.channelTitle(current)));
    } else if (current) {
      replaceChildren(
        title,
        h("h1", {}, h("span", { class: "hash", "aria-hidden": "true" }, "#"), current.name),
        current.topic && h("p", { class: "topic", title: current.topic }, mrkdwn(current.topic)),
      );
    }
    tabs.hidden = !app;
    footing(isHome);
    if (app) {
      const dm = store.appChannel();
      const tab = (name, chosen, run) =>
        h("button", { type: "button", role: "tab", "aria-selected": String(chosen), class: "tab", onclick: run }, name);
      replaceChildren(
        tabs,
        tab("Home", isHome, () => go({ home: true })),
        dm && tab("Messages", !isHome, () => go({ channel: dm.id })),
      );
    }
    replaceChildren(extras, !app && members(), shortcuts(), panelButton());
  }

  /** What stands under the title and in place of the composer: bookmarks, and the way in for who is no member. */
  function footing(isHome) {
    const outside = !isHome && current && !current.members?.includes(store.me);
    joinBar.hidden = !outside;
    writer.node.hidden = isHome || Boolean(outside);
    if (outside)
      replaceChildren(
        joinBar,
        h("p", {}, "You are not in ", h("strong", {}, `#${current.name}`), "."),
        h("button", { type: "button", class: "button button--primary", onclick: join }, "Join channel"),
      );
    const marks = isHome ? [] : (current?.bookmarks ?? []);
    shelf.hidden = !marks.length;
    replaceChildren(
      shelf,
      marks.map((one) => h("span", {}, icon("link"), link(one.link, one.title))),
    );
  }

  async function join() {
    if (!(await attempt(act("join", { user: store.me, channel: current.id })))) return;
    await store.load(store.me);
    current = store.channels.get(current.id) ?? current;
    header(false);
    await reload();
    writer.focus();
  }

  const connection = () =>
    store.app.connected === false
      ? h("span", { class: "badge badge--warn" }, h("i", { class: "dot dot--warn" }), "not connected")
      : null;

  function members() {
    const ids = (current?.members ?? []).filter((id) => id !== store.me || current.kind !== "dm");
    if (!ids.length || current.kind === "dm") return null;
    const button = h(
      "button",
      {
        type: "button",
        class: "members",
        "aria-label": `${ids.length} members`,
        title: "Members",
        "aria-haspopup": "menu",
        "aria-expanded": "false",
        onclick: () =>
          menu(
            button,
            [
              { heading: `${ids.length} members` },
              ...ids.map((id) => ({
                label: store.displayName(id),
                hint: store.isApp(id) ? "App" : store.user(id).email,
                icon: avatar(id, "small"),
                run: () => openDirect(id),
              })),
            ],
            { align: "end" },
          ),
      },
      h(
        "span",
        { class: "faces", "aria-hidden": "true" },
        ids.slice(0, 3).map((id) => avatar(id, "small")),
      ),
      h("span", {}, ids.length),
    );
    return button;
  }

  function shortcuts() {
    const global = store.shortcuts.filter((one) => one.type === "global");
    if (!global.length) return null;
    const button = h(
      "button",
      {
        type: "button",
        class: "icon-button",
        "aria-label": "Shortcuts",
        title: "Shortcuts",
        "aria-haspopup": "menu",
        "aria-expanded": "false",
        onclick: () =>
          menu(
            button,
            [
              { heading: "Shortcuts" },
              ...global.map((one) => ({
                label: one.name,
                hint: store.app.name,
                icon: icon("bolt"),
                run: () => runShortcut(one),
              })),
            ],
            { align: "end" },
          ),
      },
      icon("bolt"),
    );
    return button;
  }

  async function runShortcut(one) {
    tellUnacknowledged(await attempt(act("shortcut", { user: store.me, callback_id: one.callback_id })));
  }

  async function open(channel, ts) {
    const fresh = current?.id !== channel.id || !homeRoom.hidden;
    current = channel;
    homeRoom.hidden = true;
    list.node.hidden = false;
    header(false);
    document.title = `${channel.kind === "dm" ? "" : "#"}${store.channelTitle(channel)} · ${store.workspace.name}`;
    if (fresh) {
      writer.refresh();
      await reload();
    }
    read_(channel);
    return !ts || list.focus(ts);
  }

  function read_(channel) {
    if (channel.unread) {
      channel.unread = 0;
      store.tell("unread");
    }
    act("read", { user: store.me, channel: channel.id }).catch(() => {});
  }

  async function reload() {
    if (!current) return;
    loading += 1;
    const mine = loading;
    const channel = current;
    main.setAttribute("aria-busy", "true");
    const answer = await attempt(read("messages", { channel: channel.id, user: store.me }));
    if (mine !== loading) return;
    main.removeAttribute("aria-busy");
    if (answer) list.show(answer.messages.map((message) => ({ ...message, channel: channel.id })));
  }

  async function older(before) {
    const channel = current;
    const answer = await attempt(read("messages", { channel: channel.id, user: store.me, before }));
    return answer?.messages
      .map((message) => ({ ...message, channel: channel.id }))
      .filter((message) => message.ts < before);
  }

  async function openHome() {
    current = null;
    list.node.hidden = true;
    homeRoom.hidden = false;
    header(true);
    document.title = `${store.app.name} · ${store.workspace.name}`;
    await appHome.open();
  }

  return {
    open,
    openHome,
    reload,
    list,
    home: appHome,
    read: read_,
    focusWriter: () => writer.focus(),
    refreshHeader: () => {
      current = store.channels.get(current?.id) ?? current;
      header(!homeRoom.hidden);
    },
    isHome: () => !homeRoom.hidden,
    current: () => current,
    leave: () => (current = null),
  };
}

/** Opens the direct message with this person; it is made when the first word is sent if there was none. */
export async function openDirect(user) {
  const known = [...store.channels.values()].find((channel) => channel.kind === "dm" && store.other(channel) === user);
  if (known) return go({ channel: known.id });
  const answer = await attempt(read("messages", { user: store.me, channel: user }));
  if (!answer) return undefined;
  await store.load(store.me);
  return go({ channel: answer.channel });
}
