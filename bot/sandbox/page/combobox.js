/** A select with search, for one or several choices: a button that opens a list box with a filter. */

import { h, replaceChildren, uid } from "./dom.js";
import { icon } from "./icons.js";
import { closePopover, popover } from "./popover.js";

const FILTER_FROM = 8;

/**
 * `groups` is [{label?, options: [{key, label, hint?, face?}]}]; `chosen` a list of keys. `onChange(keys)` hears each
 * choice; a single select closes at once, a multi select stays open. Returns the element, with `.choose(keys)`.
 */
export function combobox({
  groups,
  chosen = [],
  multiple = false,
  most = Infinity,
  placeholder = "Choose…",
  label,
  describedBy,
  key,
  onChange,
  focusKey,
}) {
  const options = new Map(groups.flatMap((group) => group.options).map((option) => [option.key, option]));
  let keys = chosen.filter((one) => options.has(one));
  const listId = uid("list");
  const trigger = h("button", {
    type: "button",
    class: "combo",
    id: key,
    role: "combobox",
    "aria-haspopup": "listbox",
    "aria-expanded": "false",
    "aria-controls": listId,
    "aria-label": label,
    "aria-describedby": describedBy,
    data: { key: focusKey },
    onclick: show,
    onkeydown: (event) => {
      if (["ArrowDown", "ArrowUp"].includes(event.key)) {
        event.preventDefault();
        show();
      }
    },
  });

  function face() {
    const picked = keys.map((one) => options.get(one));
    const words =
      picked.length === 0
        ? h("span", { class: "combo-placeholder" }, placeholder)
        : multiple
          ? h(
              "span",
              { class: "combo-chips" },
              picked.map((option) => h("span", { class: "chip" }, option.face?.(), option.label)),
            )
          : h("span", { class: "combo-value" }, picked[0].face?.(), picked[0].label);
    replaceChildren(trigger, words, icon("updown"));
    trigger.setAttribute(
      "aria-label",
      [label, picked.map((option) => option.label).join(", ") || placeholder].filter(Boolean).join(": "),
    );
  }

  function choose(option) {
    if (!multiple) keys = [option.key];
    else if (keys.includes(option.key)) keys = keys.filter((one) => one !== option.key);
    else if (keys.length < most) keys = [...keys, option.key];
    face();
    onChange?.(keys);
  }

  function show() {
    let at = 0;
    const filter = h("input", {
      class: "input combo-filter",
      type: "text",
      role: "searchbox",
      "aria-label": "Filter",
      "aria-controls": listId,
      placeholder: "Filter…",
      autocomplete: "off",
      spellcheck: "false",
    });
    const list = h("div", {
      class: "listbox",
      id: listId,
      role: "listbox",
      "aria-label": label ?? placeholder,
      "aria-multiselectable": String(multiple),
      tabindex: "-1",
    });
    const searchable = options.size >= FILTER_FROM;
    let shown = [];

    function draw() {
      const wanted = filter.value.trim().toLocaleLowerCase();
      shown = [];
      const rows = groups.flatMap((group) => {
        const fits = group.options.filter((option) =>
          `${option.label} ${option.hint ?? ""}`.toLocaleLowerCase().includes(wanted),
        );
        if (!fits.length) return [];
        return [
          group.label && h("p", { class: "menu-heading", role: "presentation" }, group.label),
          ...fits.map((option) => {
            shown.push(option);
            const mine = shown.length - 1;
            return h(
              "div",
              {
                class: "option",
                role: "option",
                id: `${listId}-${mine}`,
                "aria-selected": String(keys.includes(option.key)),
                onpointermove: () => mark(mine),
                onclick: () => take(mine),
              },
              option.face?.(),
              h(
                "span",
                { class: "menu-words" },
                h("span", {}, option.label),
                option.hint && h("small", {}, option.hint),
              ),
              h("span", { class: "menu-check", "aria-hidden": "true" }, "✓"),
            );
          }),
        ];
      });
      replaceChildren(list, rows.length ? rows : h("p", { class: "menu-heading" }, "Nothing matches."));
      mark(Math.min(at, shown.length - 1));
    }

    function mark(next) {
      at = Math.max(0, next);
      for (const row of list.querySelectorAll(".option"))
        row.classList.toggle("option--active", row.id === `${listId}-${at}`);
      const row = list.querySelector(".option--active");
      (searchable ? filter : list).setAttribute("aria-activedescendant", row?.id ?? "");
    }

    function take(place) {
      if (!shown[place]) return;
      choose(shown[place]);
      if (!multiple) closePopover();
      else draw();
    }

    function keyed(event) {
      const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (move) mark((at + move + shown.length) % Math.max(shown.length, 1));
      else if (event.key === "Enter" || (event.key === " " && !searchable)) take(at);
      else return;
      event.preventDefault();
      event.stopPropagation();
      list.querySelector(".option--active")?.scrollIntoView({ block: "nearest" });
    }

    filter.addEventListener("input", () => {
      at = 0;
      draw();
    });
    const box = h("div", { class: "combo-layer", onkeydown: keyed }, searchable && filter, list);
    at = Math.max(0, [...options.keys()].indexOf(keys[0]));
    draw();
    if (!popover(trigger, box, { className: "popover--list" })) return;
    (searchable ? filter : list).focus();
    list.querySelector(".option--active")?.scrollIntoView({ block: "nearest" });
  }

  trigger.choose = (fresh) => {
    keys = fresh.filter((one) => options.has(one));
    face();
  };
  face();
  return trigger;
}
