/** The rich_text block: text elements are literal, so this is where foreign words are shown safely by Slack itself. */

import { h } from "../dom.js";
import { drawn } from "../emoji.js";
import { broadcast, channelMention, date, emojiNode, link, userMention } from "../mrkdwn.js";

const STYLES = [
  ["code", "code"],
  ["bold", "strong"],
  ["italic", "em"],
  ["strike", "s"],
  ["underline", "u"],
  ["highlight", "mark"],
];

function styled(node, style = {}) {
  return STYLES.reduce((inner, [name, tag]) => (style?.[name] ? h(tag, {}, inner) : inner), node);
}

function breaks(words) {
  return String(words ?? "")
    .split("\n")
    .flatMap((line, i) => [i > 0 && h("br"), ...drawn(line)]);
}

const LEAVES = {
  text: (item) => breaks(item.text),
  link: (item) => link(item.url, item.text || item.url),
  emoji: (item) =>
    item.unicode && !item.name
      ? String.fromCodePoint(...item.unicode.split("-").map((hex) => Number.parseInt(hex, 16)))
      : emojiNode(item.name),
  user: (item) => userMention(item.user_id),
  usergroup: (item) => h("span", { class: "mention" }, `@${item.usergroup_id}`),
  channel: (item) => channelMention(item.channel_id),
  broadcast: (item) => broadcast(item.range),
  date: (item) => date(item.timestamp, item.format, item.url, item.fallback),
  color: (item) =>
    h(
      "span",
      { class: "colour-chip" },
      h("i", { vars: { "--chip": /^#[0-9a-f]{3,8}$/iu.test(item.value) ? item.value : "transparent" } }),
      item.value,
    ),
  team: (item) => h("span", { class: "mention" }, item.team_id),
};

function leaf(item) {
  const build = LEAVES[item.type];
  const node = build ? build(item) : h("span", { class: "unknown" }, item.text ?? `[${item.type}]`);
  return item.style ? styled(node, item.style) : node;
}

const leaves = (items) => (items ?? []).map(leaf);

const CONTAINERS = {
  rich_text_section: (part) => h("p", { class: "rt-section" }, leaves(part.elements)),
  rich_text_quote: (part) => h("blockquote", {}, leaves(part.elements)),
  rich_text_preformatted: (part) =>
    h(
      "pre",
      { tabindex: "0" },
      h(
        "code",
        {},
        (part.elements ?? []).map((item) => item.text ?? item.url ?? ""),
      ),
    ),
  rich_text_list: (part) =>
    h(
      part.style === "ordered" ? "ol" : "ul",
      {
        class: "rt-list",
        start: part.style === "ordered" && part.offset ? part.offset + 1 : null,
        vars: { "--indent": String(Math.min(part.indent ?? 0, 8)) },
      },
      (part.elements ?? []).map((item) => h("li", {}, leaves(item.elements))),
    ),
};

export function richText(block) {
  return (block.elements ?? []).map((part) => (CONTAINERS[part.type] ?? CONTAINERS.rich_text_section)(part));
}

/** The words alone, for sorting and filtering. */
export function richTextWords(block) {
  const holder = h("div", {}, richText(block));
  return holder.textContent;
}
