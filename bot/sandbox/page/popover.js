/** Floating layers (menus, pickers, lists): placed beside their anchor, closed by Escape, a click elsewhere or Tab. */

import { h } from "./dom.js";
import { roving, stop } from "./roving.js";

let open = null;
const GAP = 6;
const EDGE = 8;

export function closePopover() {
  open?.close();
}

/**
 * Shows `content` beside `anchor`. `placement` is "below" or "above" as wished; the other side is taken where there is
 * no room. `onClose` runs once. Focus goes back to the anchor if it was inside.
 */
export function popover(
  anchor,
  content,
  { placement = "below", align = "start", className = "", onClose, returnFocus = true } = {},
) {
  const again = open?.anchor === anchor;
  closePopover();
  if (again) return null;
  const layer = h("div", { class: ["popover", className], popover: "manual" }, content);
  (anchor.closest("dialog") ?? document.body).append(layer);
  layer.showPopover?.();
  anchor.setAttribute("aria-expanded", "true");

  function place() {
    if (!anchor.isConnected) return close();
    const box = anchor.getBoundingClientRect();
    layer.style.setProperty("--anchor-width", `${box.width}px`);
    const { offsetWidth: width, offsetHeight: height } = layer;
    const left = align === "end" ? box.right - width : box.left;
    const below = box.bottom + GAP;
    const above = box.top - GAP - height;
    const top =
      placement === "above"
        ? above >= EDGE
          ? above
          : below
        : below + height <= innerHeight - EDGE || above < EDGE
          ? below
          : above;
    layer.style.left = `${Math.max(EDGE, Math.min(left, innerWidth - width - EDGE))}px`;
    layer.style.top = `${Math.max(EDGE, Math.min(top, innerHeight - height - EDGE))}px`;
  }

  function outside(event) {
    if (!layer.contains(event.target) && !anchor.contains(event.target)) close();
  }

  function keys(event) {
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === "Tab") close();
  }

  function close() {
    if (open?.layer !== layer) return;
    open = null;
    const focused = layer.contains(document.activeElement);
    document.removeEventListener("pointerdown", outside, true);
    document.removeEventListener("keydown", keys, true);
    removeEventListener("resize", place);
    anchor.setAttribute("aria-expanded", "false");
    layer.remove();
    if (focused && returnFocus) anchor.focus({ preventScroll: true });
    onClose?.();
  }

  open = { anchor, layer, close, place };
  document.addEventListener("pointerdown", outside, true);
  document.addEventListener("keydown", keys, true);
  addEventListener("resize", place);
  place();
  return open;
}

/** A menu button's menu; each item is {label, icon?, hint?, danger?, checked?, run} or {heading}. */
export function menu(anchor, items, options = {}) {
  const rows = items.filter(Boolean).map((item) =>
    item.heading
      ? h("p", { class: "menu-heading", role: "presentation" }, item.heading)
      : h(
          "button",
          {
            type: "button",
            role: item.checked === undefined ? "menuitem" : "menuitemradio",
            "aria-checked": item.checked === undefined ? null : String(item.checked),
            class: ["menu-item", item.danger && "menu-item--danger"],
            onclick: () => {
              closePopover();
              item.run();
            },
          },
          item.icon,
          h("span", { class: "menu-words" }, h("span", {}, item.label), item.hint && h("small", {}, item.hint)),
          item.checked && h("span", { class: "menu-check", "aria-hidden": "true" }, "✓"),
        ),
  );
  const list = h(
    "div",
    {
      class: "menu",
      role: "menu",
      "aria-label": options.label ?? anchor.getAttribute("aria-label") ?? anchor.textContent,
    },
    rows,
  );
  roving(list, "[role^=menuitem]");
  const layer = popover(anchor, list, options);
  if (!layer) return;
  const first = list.querySelector("[aria-checked=true]") ?? list.querySelector("[role^=menuitem]");
  stop(list, "[role^=menuitem]", first);
  first?.focus();
}
