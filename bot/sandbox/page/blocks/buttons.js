/** Buttons, and the menus and pairs made of them. */

import { h, safeUrl } from "../dom.js";
import { picture } from "../emoji.js";
import { icon } from "../icons.js";
import { text, words } from "../mrkdwn.js";
import { menu } from "../popover.js";
import { dispatch, focusKey } from "./dispatch.js";

export function button(element, block, context) {
  const look = { primary: "button--primary", danger: "button--danger" }[element.style];
  const props = {
    class: ["button", look],
    "aria-label": element.accessibility_label,
    data: { key: focusKey(block, element), action: element.action_id },
  };
  const href = element.url && safeUrl(element.url);
  if (href) {
    return h(
      "a",
      {
        ...props,
        href,
        target: "_blank",
        rel: "noopener noreferrer",
        onclick: (event) =>
          context.follow(event, href, () =>
            dispatch(event.currentTarget, element, block, context, { value: element.value }),
          ),
      },
      h("span", {}, text(element.text)),
    );
  }
  const node = h(
    "button",
    { ...props, type: "button", onclick: () => dispatch(node, element, block, context, { value: element.value }) },
    h("span", {}, text(element.text)),
  );
  return node;
}

export function iconButton(element, block, context) {
  const node = h(
    "button",
    {
      type: "button",
      class: "icon-button",
      title: words(element.text),
      "aria-label": element.accessibility_label ?? words(element.text),
      data: { key: focusKey(block, element), action: element.action_id },
      onclick: () => dispatch(node, element, block, context, { value: element.value }),
    },
    icon(element.icon === "trash" ? "close" : "more"),
  );
  return node;
}

export function feedback(element, block, context) {
  const one = (part, sign) => {
    const node = h(
      "button",
      {
        type: "button",
        class: "button button--small",
        title: words(part.text),
        "aria-label": part.accessibility_label ?? words(part.text),
        onclick: () => dispatch(node, element, block, context, { value: part.value }),
      },
      sign,
    );
    return node;
  };
  return h(
    "span",
    { class: "button-pair" },
    one(element.positive_button, picture("+1")),
    one(element.negative_button, picture("-1")),
  );
}

export function overflow(element, block, context) {
  const node = h(
    "button",
    {
      type: "button",
      class: "icon-button icon-button--boxed",
      "aria-label": "More actions",
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      data: { key: focusKey(block, element), action: element.action_id },
    },
    icon("more"),
  );
  node.addEventListener("click", () =>
    menu(
      node,
      element.options.map((option) => ({
        label: text(option.text),
        hint: option.description && text(option.description),
        run: () => {
          const href = option.url && safeUrl(option.url);
          if (href) window.open(href, "_blank", "noopener,noreferrer");
          dispatch(node, element, block, context, { selected_option: option });
        },
      })),
      { align: "end", label: "More actions" },
    ),
  );
  return node;
}
