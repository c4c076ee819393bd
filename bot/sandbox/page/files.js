/** Files: small pictures of what was chosen, and cards of what was posted. */

import { upload } from "./api.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"];

export function size(bytes) {
  if (!Number.isFinite(bytes)) return "";
  const power = Math.min(Math.floor(Math.log(Math.max(bytes, 1)) / Math.log(1000)), UNITS.length - 1);
  return new Intl.NumberFormat(undefined, {
    style: "unit",
    unit: UNITS[power],
    unitDisplay: "short",
    maximumFractionDigits: power ? 1 : 0,
  }).format(bytes / 1000 ** power);
}

/** A thumbnail of a chosen file, drawn on a canvas so that no blob: address is needed; an icon for other kinds. */
export function pictureOf(file) {
  if (!file.type?.startsWith("image/")) return h("span", { class: "file-picture" }, icon("file"));
  const canvas = h("canvas", { class: "file-picture", width: "72", height: "72", "aria-hidden": "true" });
  createImageBitmap(file).then(
    (bitmap) => {
      const side = Math.min(bitmap.width, bitmap.height);
      canvas
        .getContext("2d")
        .drawImage(bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side, 0, 0, 72, 72);
      bitmap.close();
    },
    () => canvas.replaceWith(h("span", { class: "file-picture" }, icon("image"))),
  );
  return canvas;
}

/** Where this page may read a posted file: the control API serves it without a token, on loopback only. */
export function fileAddress(file) {
  return `/control/files/${encodeURIComponent(file.id)}`;
}

const uploaded = new WeakMap();

/** Hands files to the workspace once each and resolves to their ids; a second try of a form sends none again. */
export async function handOver(user, files) {
  const fresh = files.filter((file) => !uploaded.has(file));
  if (fresh.length) {
    const answer = await upload({ user }, fresh);
    fresh.forEach((file, i) => uploaded.set(file, answer.files[i].id));
  }
  return files.map((file) => uploaded.get(file));
}

export function fileCard(file) {
  const name = file.title || file.name || file.id;
  const facts = [file.pretty_type ?? file.filetype?.toUpperCase(), size(file.size)].filter(Boolean).join(" · ");
  if (file.mimetype?.startsWith("image/") && file.mimetype !== "image/svg+xml") {
    return h(
      "figure",
      { class: "file-image" },
      h(
        "a",
        { href: fileAddress(file), target: "_blank", rel: "noopener", "aria-label": `Open ${name}` },
        h("img", {
          src: fileAddress(file),
          alt: file.alt_txt ?? name,
          loading: "lazy",
          onerror: (event) => event.target.closest("figure").classList.add("file-image--broken"),
        }),
      ),
      h("figcaption", {}, name, facts && h("small", {}, ` ${facts}`)),
    );
  }
  return h(
    "a",
    { class: "file-card", href: fileAddress(file), target: "_blank", rel: "noopener", download: file.name },
    h("span", { class: "file-picture" }, icon("file")),
    h("span", { class: "file-words" }, h("strong", {}, name), h("small", {}, facts)),
  );
}
