/** The left side: where one can go, what is unread, and who one is. */

import { choice, choose, CHOICES } from "./appearance.js";
import { h, replaceChildren } from "./dom.js";
import { icon } from "./icons.js";
import { avatar } from "./people.js";
import { menu } from "./popover.js";
import { roving, stop } from "./roving.js";
import { address } from "./router.js";
import { store } from "./store.js";
import { openDirect } from "./channel.js";

const THEMES = { auto: ["As the system", "auto"], light: ["Light", "sun"], dark: ["Dark", "moon"] };
const KEY_NAME = /Mac|iPhone|iPad/u.test(navigator.platform) ? "⌘K" : "Ctrl K";

/** `onSwitch(user)` changes who acts; `onFind()` opens the switcher; `onGo()` is told of each choice. */
export function sidebar(room, { onSwitch, onFind, onGo }) {
  let here = null;

  const unread = (count) =>
    count ? h("span", { class: "unread", "aria-label": `${count} unread` }, count > 99 ? "99+" : String(count)) : null;

  function row({ href, face, label, count = 0, tag = null, chosen = false }) {
    return h(
      "a",
      {
        class: ["place", chosen && "place--here", count > 0 && "place--unread"],
        href,
        "aria-current": chosen ? "page" : null,
        tabindex: "-1",
        onclick: onGo,
      },
      h("span", { class: "place-face", "aria-hidden": "true" }, face),
      h("span", { class: "place-name" }, label),
      tag,
      unread(count),
    );
  }

  const channelRow = (channel) =>
    row({
      href: address({ channel: channel.id }),
      face: icon("hash"),
      label: channel.name,
      count: channel.unread,
      chosen: here === channel.id,
    });
  const directRow = (channel) =>
    row({
      href: address({ channel: channel.id }),
      face: avatar(store.other(channel), "small"),
      label: store.channelTitle(channel),
      count: channel.unread,
      chosen: here === channel.id,
    });

  function section(title, rows) {
    return rows.length
      ? h("section", { class: "places" }, h("h2", {}, title), h("div", { class: "places-list" }, rows))
      : null;
  }

  function draw() {
    const focused = room.contains(document.activeElement)
      ? (document.activeElement.getAttribute("href") ?? document.activeElement.className)
      : null;
    const all = [...store.channels.values()];
    const dm = store.appChannel();
    const byName = (a, b) => store.channelTitle(a).localeCompare(store.channelTitle(b));
    const directs = all
      .filter((channel) => channel.kind === "dm" && channel !== dm && store.other(channel) !== "USLACKBOT")
      .sort(byName);
    const known = new Set(directs.map((channel) => store.other(channel)));
    const others = store.people().filter((user) => !known.has(user.id) && user.id !== store.me);
    const find = h(
      "button",
      { type: "button", class: "find", onclick: onFind },
      icon("search"),
      h("span", {}, "Jump to…"),
      h("kbd", {}, KEY_NAME),
    );
    const body = h(
      "div",
      { class: "sidebar-body" },
      section(
        store.app.name || "App",
        [
          row({ href: "#/home", face: icon("home"), label: "Home", chosen: here === "home" }),
          dm &&
            row({
              href: address({ channel: dm.id }),
              face: avatar(store.app.bot_user_id, "small"),
              label: "Messages",
              count: dm.unread,
              chosen: here === dm.id,
            }),
        ].filter(Boolean),
      ),
      section(
        "Channels",
        all
          .filter((channel) => channel.kind !== "dm")
          .sort(byName)
          .map(channelRow),
      ),
      section("People", [
        ...directs.map(directRow),
        ...others.map((user) =>
          h(
            "button",
            {
              type: "button",
              class: "place",
              tabindex: "-1",
              onclick: () => {
                onGo();
                openDirect(user.id);
              },
            },
            h("span", { class: "place-face", "aria-hidden": "true" }, avatar(user.id, "small")),
            h("span", { class: "place-name" }, store.displayName(user.id)),
          ),
        ),
      ]),
    );
    roving(body, ".place");
    replaceChildren(
      room,
      h(
        "header",
        { class: "sidebar-head" },
        h("img", { src: "/page/mark.svg", alt: "", class: "mark", width: "30", height: "30" }),
        h(
          "div",
          { class: "workspace" },
          h("strong", {}, store.workspace.name || "Workspace"),
          h("small", {}, "On this machine only"),
        ),
      ),
      find,
      body,
      foot(),
    );
    stop(body, ".place", body.querySelector(".place--here"));
    if (focused)
      [...room.querySelectorAll("a,button")]
        .find((node) => (node.getAttribute("href") ?? node.className) === focused)
        ?.focus({ preventScroll: true });
  }

  function foot() {
    const me = store.user(store.me);
    const who = h(
      "button",
      {
        type: "button",
        class: "acting",
        "aria-haspopup": "menu",
        "aria-expanded": "false",
        "aria-label": `Acting as ${store.displayName(store.me)}. Change`,
        onclick: () =>
          menu(
            who,
            [
              { heading: "Act as" },
              ...store.people().map((user) => ({
                label: store.displayName(user.id),
                hint: user.email,
                icon: avatar(user.id, "small"),
                checked: user.id === store.me,
                run: () => onSwitch(user.id),
              })),
            ],
            { placement: "above" },
          ),
      },
      avatar(store.me, "medium"),
      h("span", { class: "acting-words" }, h("small", {}, "Acting as"), h("strong", {}, me.real_name || me.name)),
      icon("updown"),
    );
    const theme = h(
      "button",
      {
        type: "button",
        class: "icon-button theme-toggle",
        "aria-label": `Theme: ${THEMES[choice()][0]}`,
        title: "Theme",
        "aria-haspopup": "menu",
        "aria-expanded": "false",
        onclick: () =>
          menu(
            theme,
            CHOICES.map((name) => ({
              label: THEMES[name][0],
              icon: icon(THEMES[name][1]),
              checked: name === choice(),
              run: () => {
                choose(name);
                draw();
              },
            })),
            { placement: "above", align: "end" },
          ),
      },
      icon(THEMES[choice()][1]),
    );
    return h("footer", { class: "sidebar-foot" }, who, theme);
  }

  function mark(place) {
    here = place;
    draw();
  }

  store.hear(["state", "unread", "app"], draw);
  return { mark, focus: () => room.querySelector(".place[tabindex='0']")?.focus() };
}
