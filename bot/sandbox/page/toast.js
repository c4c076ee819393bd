/** Short notices at the edge of the page: what went wrong, or that something small was done. */

import { h } from "./dom.js";
import { icon } from "./icons.js";

const SHOWN_MS = { error: 9000, info: 4000 };
const MOST = 4;

export function toast(text, kind = "info") {
  const room = document.getElementById("toasts");
  const close = h(
    "button",
    { class: "icon-button toast-close", type: "button", "aria-label": "Dismiss", onclick: leave },
    icon("close"),
  );
  const note = h(
    "div",
    { class: `toast toast--${kind}`, role: kind === "error" ? "alert" : "status" },
    icon(kind === "error" ? "warn" : "ok"),
    h("p", {}, text),
    close,
  );
  let timer = setTimeout(leave, SHOWN_MS[kind]);
  function leave() {
    clearTimeout(timer);
    note.remove();
  }
  note.addEventListener("pointerenter", () => clearTimeout(timer));
  note.addEventListener("pointerleave", () => (timer = setTimeout(leave, SHOWN_MS[kind])));
  room.append(note);
  while (room.children.length > MOST) room.firstElementChild.remove();
}

/** Runs what a person asked for; a refusal becomes a notice. Returns the answer, or null. */
export async function attempt(promise) {
  try {
    return await promise;
  } catch (error) {
    if (error.name !== "Refused") throw error;
    toast(error.message, "error");
    return null;
  }
}

/** Says something to screen readers only. */
export function announce(text) {
  const room = document.getElementById("announcer");
  room.append(h("p", {}, text));
  while (room.children.length > 8) room.firstElementChild.remove();
}
