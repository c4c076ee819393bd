/** Faces and names: coloured initials for people, the mark for the app. */

import { h } from "./dom.js";
import { store } from "./store.js";

function initials(name) {
  const words = name
    .replace(/[^\p{L}\p{N}\s.-]/gu, "")
    .split(/[\s.-]+/u)
    .filter(Boolean);
  const letters =
    words.length > 1 ? [words[0], words.at(-1)].map((word) => [...word][0]) : [...(words[0] ?? "?")].slice(0, 2);
  return letters.join("").toLocaleUpperCase();
}

function hueOf(id) {
  const place = [...store.users.keys()].indexOf(id);
  if (place >= 0) return (35 + place * 67) % 360;
  return [...String(id)].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7);
}

export function avatar(id, size = "") {
  const props = { class: ["avatar", size && `avatar--${size}`], "aria-hidden": "true" };
  if (store.isApp(id)) return h("span", props, h("img", { src: "/page/mark.svg", alt: "" }));
  return h("span", { ...props, vars: { "--hue": String(hueOf(id)) } }, initials(store.displayName(id)));
}

export function appTag() {
  return h("span", { class: "app-tag" }, "APP");
}
