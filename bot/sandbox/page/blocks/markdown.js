/** The markdown block: the part of CommonMark that Slack shows, as DOM. */

import { h } from "../dom.js";
import { emojiNode, link } from "../mrkdwn.js";
import { drawn, emoji } from "../emoji.js";

const INLINE = new RegExp(
  [
    "\\\\(?<escaped>[\\\\`*_{}\\[\\]()#+.!~>|-])",
    "(?<ticks>`+)(?<code>.+?)\\k<ticks>(?!`)",
    "!\\[(?<alt>[^\\]]*)\\]\\((?<image>[^)\\s]+)\\)",
    '\\[(?<words>[^\\]]+)\\]\\((?<href>[^)\\s]+)(?:\\s+"[^"]*")?\\)',
    "<(?<auto>https?://[^>\\s]+)>",
    "(?<![*])\\*\\*(?<strong>[^\\s*](?:.*?[^\\s])?)\\*\\*|(?<![\\p{L}\\p{N}_])__(?<strong2>[^\\s_](?:.*?[^\\s])?)__",
    "\\*(?<em>[^\\s*](?:[^*]*[^\\s*])?)\\*|(?<![\\p{L}\\p{N}_])_(?<em2>[^\\s_](?:[^_]*[^\\s_])?)_(?![\\p{L}\\p{N}])",
    "~~(?<strike>[^~]+)~~",
    "(?<url>https?://[^\\s<>]*[^\\s<>.,;:!?)\\]])",
    ":(?<emoji>[a-z0-9_+-]+):",
  ].join("|"),
  "gu",
);

function inline(source) {
  const out = [];
  let at = 0;
  for (const found of source.matchAll(INLINE)) {
    const g = found.groups;
    if (g.emoji && !emoji(g.emoji)) continue;
    out.push(drawn(source.slice(at, found.index)));
    at = found.index + found[0].length;
    if (g.escaped) out.push(g.escaped);
    else if (g.code) out.push(h("code", {}, g.code.trim()));
    else if (g.image) out.push(link(g.image, g.alt || g.image));
    else if (g.href) out.push(link(g.href, inline(g.words)));
    else if (g.auto ?? g.url) out.push(link(g.auto ?? g.url, g.auto ?? g.url));
    else if (g.strong ?? g.strong2) out.push(h("strong", {}, inline(g.strong ?? g.strong2)));
    else if (g.em ?? g.em2) out.push(h("em", {}, inline(g.em ?? g.em2)));
    else if (g.strike) out.push(h("s", {}, inline(g.strike)));
    else out.push(emojiNode(g.emoji));
  }
  out.push(drawn(source.slice(at)));
  return out;
}

const cells = (line) =>
  line
    .trim()
    .replace(/^\||\|$/gu, "")
    .split(/(?<!\\)\|/u)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));
const isRule = (line) => /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/u.test(line) && line.includes("-");

function table(rows) {
  const aligns = cells(rows[1]).map((cell) =>
    cell.endsWith(":") ? (cell.startsWith(":") ? "center" : "right") : "left",
  );
  const row = (line, tag) =>
    h(
      "tr",
      {},
      cells(line).map((cell, i) =>
        h(tag, { class: `align-${aligns[i] ?? "left"}`, scope: tag === "th" ? "col" : null }, inline(cell)),
      ),
    );
  return h(
    "div",
    { class: "table-scroll", tabindex: "0" },
    h(
      "table",
      { class: "table" },
      h("thead", {}, row(rows[0], "th")),
      h(
        "tbody",
        {},
        rows.slice(2).map((line) => row(line, "td")),
      ),
    ),
  );
}

const ITEM = /^(?<indent>\s*)(?:(?<bullet>[-*+])|(?<number>\d{1,9})[.)])\s+(?:\[(?<task>[ xX])\]\s+)?(?<rest>.*)$/u;

/** Consumes a list whose items stand at `indent` or deeper; returns [node, next line index]. */
function list(source, start, indent) {
  const first = ITEM.exec(source[start]).groups;
  const node = h(first.number ? "ol" : "ul", {
    class: "rt-list",
    start: first.number && first.number !== "1" ? first.number : null,
  });
  let at = start;
  while (at < source.length) {
    const item = ITEM.exec(source[at])?.groups;
    if (!item || item.indent.length < indent) break;
    if (item.indent.length > indent + 1 && node.lastElementChild) {
      const [child, next] = list(source, at, item.indent.length);
      node.lastElementChild.append(child);
      at = next;
      continue;
    }
    const done = item.task && item.task !== " ";
    node.append(
      h(
        "li",
        { class: item.task ? "task" : null },
        item.task &&
          h("span", { class: "task-box", role: "img", "aria-label": done ? "done" : "open" }, done ? "☑" : "☐"),
        inline(item.rest),
      ),
    );
    at += 1;
  }
  return [node, at];
}

export function markdown(source) {
  const all = String(source ?? "")
    .replaceAll("\r\n", "\n")
    .split("\n");
  const out = [];
  let at = 0;
  while (at < all.length) {
    const line = all[at];
    const fence = /^\s*(?<mark>```+|~~~+)/u.exec(line)?.groups.mark;
    if (fence) {
      let end = at + 1;
      while (end < all.length && !all[end].trim().startsWith(fence)) end += 1;
      out.push(h("pre", { tabindex: "0" }, h("code", {}, all.slice(at + 1, end).join("\n"))));
      at = end + 1;
      continue;
    }
    const heading = /^(?<level>#{1,6})\s+(?<words>.+?)\s*#*$/u.exec(line)?.groups;
    if (heading) {
      out.push(
        h(
          "p",
          {
            class: `md-heading md-heading--${Math.min(heading.level.length, 4)}`,
            role: "heading",
            "aria-level": String(heading.level.length + 2),
          },
          inline(heading.words),
        ),
      );
      at += 1;
    } else if (/^\s*([-*_])(?:\s*\1){2,}\s*$/u.test(line)) {
      out.push(h("hr"));
      at += 1;
    } else if (line.includes("|") && at + 1 < all.length && isRule(all[at + 1])) {
      let end = at + 2;
      while (end < all.length && all[end].includes("|") && all[end].trim()) end += 1;
      out.push(table(all.slice(at, end)));
      at = end;
    } else if (ITEM.test(line)) {
      const [node, next] = list(all, at, ITEM.exec(line).groups.indent.length);
      out.push(node);
      at = Math.max(next, at + 1);
    } else if (line.startsWith(">")) {
      let end = at;
      while (end < all.length && all[end].startsWith(">")) end += 1;
      out.push(
        h(
          "blockquote",
          {},
          markdown(
            all
              .slice(at, end)
              .map((row) => row.replace(/^> ?/u, ""))
              .join("\n"),
          ),
        ),
      );
      at = end;
    } else if (line.trim() === "") {
      at += 1;
    } else {
      let end = at + 1;
      while (
        end < all.length &&
        all[end].trim() &&
        !/^(?:#{1,6}\s|>|\s*```|\s*~~~)/u.test(all[end]) &&
        !ITEM.test(all[end])
      )
        end += 1;
      out.push(
        h(
          "p",
          {},
          all.slice(at, end).flatMap((row, i) => [i > 0 && h("br"), ...inline(row)]),
        ),
      );
      at = end;
    }
  }
  return out;
}
