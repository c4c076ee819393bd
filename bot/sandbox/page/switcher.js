/** The quick switcher (Ctrl/Cmd-K): type a few letters of a channel, a person or an action. */

import { h, replaceChildren, uid } from "./dom.js";
import { icon } from "./icons.js";
import { avatar } from "./people.js";
import { go } from "./router.js";
import { store } from "./store.js";
import { openDirect } from "./channel.js";

const MOST = 9;

/** Letters in order, the tighter and earlier the better; null where they do not occur. */
export function score(text, wanted) {
  const value = text.toLocaleLowerCase();
  if (!wanted) return 0;
  const direct = value.indexOf(wanted);
  if (direct >= 0) return direct;
  let at = -1;
  let gaps = 100;
  for (const letter of wanted) {
    const next = value.indexOf(letter, at + 1);
    if (next < 0) return null;
    gaps += next - at - 1;
    at = next;
  }
  return gaps;
}

function places() {
  const channels = [...store.channels.values()]
    .filter((channel) => channel.kind !== "dm")
    .map((channel) => ({
      name: channel.name,
      more: channel.topic,
      face: () => icon("hash"),
      unread: channel.unread ?? 0,
      run: () => go({ channel: channel.id }),
    }));
  const people = [...store.users.values()]
    .filter((user) => user.id !== store.me && user.id !== "USLACKBOT")
    .map((user) => ({
      name: user.real_name || user.name,
      more: `@${user.name}`,
      face: () => avatar(user.id, "small"),
      unread: 0,
      run: () => openDirect(user.id),
    }));
  return [
    ...channels.sort((a, b) => b.unread - a.unread),
    {
      name: `${store.app.name} Home`,
      more: "App Home",
      face: () => icon("home"),
      unread: 0,
      run: () => go({ home: true }),
    },
    ...people,
  ];
}

export function openSwitcher() {
  if (document.querySelector("dialog[open]")) return;
  let at = 0;
  let rows = [];
  const listId = uid("jump");
  const list = h("div", { class: "jump-list", id: listId, role: "listbox", "aria-label": "Places" });
  const input = h("input", {
    class: "jump-input",
    type: "text",
    role: "combobox",
    "aria-expanded": "true",
    "aria-controls": listId,
    "aria-label": "Jump to a channel or person",
    placeholder: "Jump to a channel or person…",
    autocomplete: "off",
    spellcheck: "false",
  });
  const dialog = h(
    "dialog",
    { class: "dialog jump", "aria-label": "Jump to", onclick: (event) => event.target === dialog && end() },
    h("div", { class: "jump-head" }, icon("search"), input, h("kbd", {}, "Esc")),
    list,
  );
  const before = document.activeElement;

  function draw() {
    const wanted = input.value.trim().replace(/^[#@]/u, "").toLocaleLowerCase();
    rows = places()
      .map((place) => ({ place, rank: score(`${place.name} ${place.more ?? ""}`, wanted) }))
      .filter((one) => one.rank !== null)
      .sort((a, b) => a.rank - b.rank)
      .slice(0, MOST)
      .map((one) => one.place);
    at = Math.min(at, Math.max(rows.length - 1, 0));
    replaceChildren(
      list,
      rows.length === 0 && h("p", { class: "menu-heading" }, "Nothing has that name."),
      rows.map((place, i) =>
        h(
          "div",
          {
            class: ["option", i === at && "option--active"],
            role: "option",
            id: `${listId}-${i}`,
            "aria-selected": String(i === at),
            onclick: () => take(i),
            onpointermove: () => at !== i && ((at = i), draw()),
          },
          place.face(),
          h("span", { class: "menu-words" }, h("span", {}, place.name), place.more && h("small", {}, place.more)),
          place.unread > 0 && h("span", { class: "unread" }, place.unread),
        ),
      ),
    );
    input.setAttribute("aria-activedescendant", rows.length ? `${listId}-${at}` : "");
  }

  function take(i) {
    if (!rows[i]) return;
    end(false);
    rows[i].run();
  }

  function end(giveBack = true) {
    dialog.close();
    dialog.remove();
    if (giveBack) before?.focus?.({ preventScroll: true });
  }

  input.addEventListener("input", () => {
    at = 0;
    draw();
  });
  input.addEventListener("keydown", (event) => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move && rows.length) {
      at = (at + move + rows.length) % rows.length;
      draw();
    } else if (event.key === "Enter") take(at);
    else return;
    event.preventDefault();
  });
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    end();
  });
  document.body.append(dialog);
  draw();
  dialog.showModal();
  input.focus();
}
