/** The list that completes what is being written: /commands with their usage, @people, #channels and :emoji: codes. */

import { h, replaceChildren } from "./dom.js";
import { emojiLike, picture } from "./emoji.js";
import { avatar } from "./people.js";
import { store } from "./store.js";

const MOST = 8;
const starts = (value, prefix) => (value ?? "").toLocaleLowerCase().startsWith(prefix);

function commands(found) {
  return store.commands
    .filter((one) => starts(one.command, `/${found.toLocaleLowerCase()}`))
    .map((one) => ({ insert: `${one.command} `, label: one.command, more: one.usage_hint, hint: one.description }));
}

/** Words of a usage hint such as "status | who | ack INCIDENT" that may follow the command. */
function words(command, found) {
  const hint = store.commands.find((one) => one.command === command)?.usage_hint ?? "";
  const offers = hint
    .replace(/^\[|\]$/gu, "")
    .split("|")
    .map((one) => one.trim())
    .filter((one) => /^[a-z]/u.test(one));
  if (offers.length < 2) return [];
  return offers
    .filter((one) => starts(one, found.toLocaleLowerCase()) && one !== found)
    .map((one) => ({ insert: `${one.replace(/\s*[[<A-Z].*$/u, "")} `, label: `${command} ${one}` }));
}

function people(found) {
  const wanted = found.toLocaleLowerCase();
  const named = [...store.users.values()]
    .filter(
      (user) =>
        user.id !== "USLACKBOT" &&
        (starts(user.name, wanted) ||
          (user.real_name ?? "")
            .toLocaleLowerCase()
            .split(" ")
            .some((part) => part.startsWith(wanted))),
    )
    .map((user) => ({
      insert: `@${user.name} `,
      label: user.real_name || user.name,
      more: `@${user.name}`,
      face: () => avatar(user.id, "small"),
    }));
  const ranges = [
    ["here", "everybody active in this channel"],
    ["channel", "everybody in this channel"],
  ]
    .filter(([name]) => wanted && name.startsWith(wanted))
    .map(([name, hint]) => ({ insert: `@${name} `, label: `@${name}`, hint }));
  return [...named, ...ranges];
}

function channels(found) {
  return [...store.channels.values()]
    .filter((one) => one.kind !== "dm" && starts(one.name, found.toLocaleLowerCase()))
    .map((one) => ({ insert: `#${one.name} `, label: `#${one.name}`, hint: one.topic }));
}

function emojis(found) {
  return found.length < 2
    ? []
    : emojiLike(found.toLocaleLowerCase()).map(([name]) => ({
        insert: `:${name}: `,
        label: `:${name}:`,
        face: () => h("span", { class: "emoji" }, picture(name)),
      }));
}

/** [pattern on the text before the caret, its offers, whether Enter takes the choice while it adds nothing]. */
const KINDS = [
  [/^\/(?<found>[\w-]*)$/u, (match) => commands(match.groups.found)],
  [/^(?<command>\/[\w-]+)\s+(?<found>[\w-]*)$/u, (match) => words(match.groups.command, match.groups.found)],
  [/(?:^|\s)@(?<found>[\w.-]*)$/u, (match) => people(match.groups.found)],
  [/(?:^|\s)#(?<found>[\w-]*)$/u, (match) => channels(match.groups.found)],
  [/(?:^|\s):(?<found>[\w+-]*)$/u, (match) => emojis(match.groups.found)],
];

/** Completion for `area`, shown above `anchor`. Returns {update, key, close}; `key(event)` is true if it took the key. */
export function complete(area, anchor, listId) {
  let offers = [];
  let at = -1;
  let found = null;
  let dismissed = null;
  const list = h("div", {
    class: "completion",
    id: listId,
    role: "listbox",
    "aria-label": "Suggestions",
    hidden: true,
  });
  anchor.append(list);

  function update() {
    const before = area.value.slice(0, area.selectionStart);
    offers = [];
    for (const [pattern, offer] of document.activeElement === area ? KINDS : []) {
      found = pattern.exec(before);
      if (!found) continue;
      offers = offer(found).slice(0, MOST);
      break;
    }
    if (before === dismissed) offers = [];
    else dismissed = null;
    at = offers.length && !isWordOfCommand() ? 0 : -1;
    draw();
  }

  /** Sub-words of a command are an offer only: Enter must still send what stands there. */
  const isWordOfCommand = () => Boolean(found?.groups.command);

  function draw() {
    list.hidden = !offers.length;
    area.setAttribute("aria-expanded", String(!list.hidden));
    replaceChildren(
      list,
      offers.map((offer, i) =>
        h(
          "div",
          {
            class: ["option", i === at && "option--active"],
            role: "option",
            id: `${listId}-${i}`,
            "aria-selected": String(i === at),
            onpointerdown: (event) => {
              event.preventDefault();
              take(i);
            },
          },
          offer.face?.(),
          h(
            "span",
            { class: "menu-words" },
            h("span", {}, h("strong", {}, offer.label), offer.more && h("span", { class: "option-more" }, offer.more)),
            offer.hint && h("small", {}, offer.hint),
          ),
        ),
      ),
      h(
        "p",
        { class: "completion-keys", "aria-hidden": "true" },
        h("kbd", {}, "↑"),
        h("kbd", {}, "↓"),
        " choose  ",
        h("kbd", {}, "Tab"),
        at >= 0 && [" or ", h("kbd", {}, "Enter")],
        " take  ",
        h("kbd", {}, "Esc"),
        " close",
      ),
    );
    if (at >= 0) area.setAttribute("aria-activedescendant", `${listId}-${at}`);
    else area.removeAttribute("aria-activedescendant");
    list.querySelector(".option--active")?.scrollIntoView({ block: "nearest" });
  }

  function take(i) {
    const offer = offers[i];
    const start = area.selectionStart - found.groups.found.length - (found.groups.command ? 0 : 1);
    area.setRangeText(offer.insert, start, area.selectionStart, "end");
    area.dispatchEvent(new Event("input", { bubbles: true }));
    area.focus();
  }

  function close() {
    offers = [];
    draw();
  }

  function key(event) {
    if (list.hidden || event.isComposing) return false;
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move) at = at < 0 ? (move > 0 ? 0 : offers.length - 1) : (at + move + offers.length) % offers.length;
    else if (event.key === "Tab" && !event.shiftKey) take(Math.max(at, 0));
    else if (event.key === "Enter" && !event.shiftKey && at >= 0 && !isWhole()) take(at);
    else if (event.key === "Escape") {
      dismissed = area.value.slice(0, area.selectionStart);
      close();
    } else return false;
    event.preventDefault();
    event.stopPropagation();
    if (move) draw();
    return true;
  }

  /** A command written out in full is sent by Enter, not completed once more. */
  const isWhole = () => area.value.startsWith("/") && offers[at].insert.trim() === area.value.trim();

  area.addEventListener("blur", close);
  area.addEventListener("click", update);
  area.addEventListener("keyup", (event) => ["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key) && update());
  return { update, key, close };
}
