/** Slack's mrkdwn as DOM: bold, italic, strike, code, quotes, links, mentions, dates, emoji. Nothing else is markup. */

import { fragment, h, safeUrl } from "./dom.js";
import { drawn, emoji, picture } from "./emoji.js";
import { local } from "./router.js";
import { store } from "./store.js";
import { fillDate, full } from "./time.js";

const ENTITIES = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };

export function unescape(text) {
  return text.replace(/&(?:lt|gt|amp);/gu, (entity) => ENTITIES[entity]);
}

/** A followable link, or the plain words when the address is not one a browser may follow safely. */
export function link(address, ...words) {
  const href = safeUrl(address);
  if (!href)
    return h(
      "span",
      { class: "refused-link", title: "This link is not followed: only web and mail addresses are." },
      words,
    );
  const here = local(href);
  if (here) return h("a", { href: here }, words);
  return h("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" }, words);
}

export function userMention(id) {
  return h(
    "a",
    { class: ["mention", id === store.me && "mention--me"], href: "#", data: { user: id }, role: "button" },
    `@${store.displayName(id)}`,
  );
}

export function channelMention(id, label) {
  const channel = store.channels.get(id);
  const name = channel?.name ?? label ?? id;
  return channel
    ? h("a", { class: "mention", href: `#/c/${channel.id}` }, `#${name}`)
    : h("span", { class: "mention" }, `#${name}`);
}

export function broadcast(range) {
  return h("span", { class: "mention mention--me" }, `@${range}`);
}

export function date(seconds, pattern, address, fallback) {
  const moment = new Date(Number(seconds) * 1000);
  if (Number.isNaN(moment.getTime())) return document.createTextNode(fallback ?? "");
  const words = h("time", { datetime: moment.toISOString(), title: full(moment) }, fillDate(pattern, moment));
  return address ? link(address, words) : words;
}

export function emojiNode(name) {
  return emoji(name)
    ? h(
        "span",
        { class: "emoji", role: "img", "aria-label": name.replaceAll("_", " "), title: `:${name}:` },
        picture(name),
      )
    : document.createTextNode(`:${name}:`);
}

function angle(inner) {
  const [target, ...rest] = inner.split("|");
  const label = rest.length ? unescape(rest.join("|")) : null;
  if (target.startsWith("@")) return userMention(target.slice(1));
  if (target.startsWith("#")) return channelMention(target.slice(1), label);
  if (target.startsWith("!date^")) {
    const [, seconds, pattern, address] = target.split("^");
    return date(seconds, unescape(pattern ?? "{date_num} {time_secs}"), address && unescape(address), label ?? "");
  }
  if (target.startsWith("!subteam^")) return h("span", { class: "mention" }, label ?? target.slice(9));
  if (target.startsWith("!")) return broadcast(target.slice(1).split("^")[0]);
  return link(unescape(target), label ?? unescape(target));
}

const TOKEN = new RegExp(
  [
    "<(?<angle>[^<>\\n]+)>",
    "`(?<code>[^`\\n]+)`",
    "(?<![\\p{L}\\p{N}*])\\*(?<bold>[^\\s*](?:[^*\\n]*[^\\s*])?)\\*(?![\\p{L}\\p{N}*])",
    "(?<![\\p{L}\\p{N}_])_(?<italic>[^\\s_](?:[^_\\n]*?[^\\s_])?)_(?![\\p{L}\\p{N}_])",
    "(?<![\\p{L}\\p{N}~])~(?<strike>[^\\s~](?:[^~\\n]*[^\\s~])?)~(?![\\p{L}\\p{N}~])",
    "(?<![\\p{L}\\p{N}:]):(?<emoji>[a-z0-9_+'-]+(?:::skin-tone-[2-6])?):",
    "(?<url>https?://[^\\s<>|]*[^\\s<>|.,;:!?)\\]}'\"*_~])",
  ].join("|"),
  "gu",
);

function inline(text, { verbatim = false } = {}) {
  const parts = [];
  let at = 0;
  for (const found of text.matchAll(TOKEN)) {
    const { angle: inner, code, bold, italic, strike, emoji: name, url } = found.groups;
    if (url && verbatim) continue;
    if (found.index > at) parts.push(drawn(unescape(text.slice(at, found.index))));
    at = found.index + found[0].length;
    if (inner !== undefined) parts.push(angle(inner));
    else if (code !== undefined) parts.push(h("code", {}, codeWords(code)));
    else if (bold !== undefined) parts.push(h("strong", {}, inline(bold, { verbatim })));
    else if (italic !== undefined) parts.push(h("em", {}, inline(italic, { verbatim })));
    else if (strike !== undefined) parts.push(h("s", {}, inline(strike, { verbatim })));
    else if (name !== undefined) parts.push(emojiNode(name));
    else parts.push(link(unescape(url), unescape(url)));
  }
  if (at < text.length) parts.push(drawn(unescape(text.slice(at))));
  return parts;
}

function codeWords(text) {
  return unescape(text.replace(/<([^<>|\n]+)(?:\|([^<>\n]+))?>/gu, (whole, target, label) => label ?? target));
}

function lines(text, options) {
  const out = [];
  let quote = [];
  const endQuote = () => {
    if (quote.length)
      out.push(
        h(
          "blockquote",
          {},
          quote.flatMap((line, i) => [i > 0 && h("br"), ...inline(line, options)]),
        ),
      );
    quote = [];
  };
  let fresh = true;
  for (const line of text.split("\n")) {
    const quoted = /^(?:&gt;|>) ?(?<rest>.*)$/u.exec(line);
    if (quoted) {
      quote.push(quoted.groups.rest);
      continue;
    }
    if (quote.length) {
      endQuote();
      fresh = true;
    }
    if (!fresh) out.push(h("br"));
    out.push(...inline(line, options));
    fresh = false;
  }
  endQuote();
  return out;
}

/** mrkdwn text to nodes; `verbatim` leaves bare addresses unlinked, as Slack does. */
export function mrkdwn(text, options = {}) {
  const out = [];
  for (const [i, piece] of String(text ?? "")
    .split(/```\n?/u)
    .entries()) {
    if (i % 2 === 1) out.push(h("pre", { tabindex: "0" }, h("code", {}, codeWords(piece.replace(/\n$/u, "")))));
    else if (piece.replace(/^\n|\n$/gu, "") !== "")
      out.push(...lines(i > 0 ? piece.replace(/^\n/u, "") : piece.replace(/\n$/u, ""), options));
  }
  return fragment(out);
}

/** Plain text: literal but for emoji shortcodes, which Slack shows unless `emoji` is false. */
export function plain(text, { shortcodes = true } = {}) {
  const value = String(text ?? "");
  if (!shortcodes) return fragment(drawn(value));
  const out = [];
  let at = 0;
  for (const found of value.matchAll(/:(?<name>[a-z0-9_+-]+):/gu)) {
    if (!emoji(found.groups.name)) continue;
    out.push(drawn(value.slice(at, found.index)), emojiNode(found.groups.name));
    at = found.index + found[0].length;
  }
  out.push(drawn(value.slice(at)));
  return fragment(out);
}

/** A text object of Block Kit. */
export function text(object) {
  if (object === undefined || object === null) return fragment();
  if (typeof object === "string") return plain(object);
  return object.type === "mrkdwn"
    ? mrkdwn(object.text, { verbatim: object.verbatim })
    : plain(object.text, { shortcodes: object.emoji !== false });
}

/** The words of a text object, for labels. */
export function words(object) {
  const holder = document.createElement("span");
  holder.append(text(object));
  return holder.textContent;
}
