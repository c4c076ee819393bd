/** The table and data_table blocks; the second can be sorted, filtered and paged by the reader. */

import { h, replaceChildren, uid } from "../dom.js";
import { icon } from "../icons.js";
import { plain } from "../mrkdwn.js";
import { element } from "./elements.js";
import { richText, richTextWords } from "./richtext.js";

const NUMBER = new Intl.NumberFormat();

function content(cell, block, context) {
  if (!cell) return "";
  if (cell.type === "rich_text") return richText(cell);
  if (cell.type === "raw_number") return cell.text ?? NUMBER.format(cell.value);
  if (cell.type === "raw_text") return plain(cell.text);
  return element(cell, block, context);
}

function key(cell) {
  if (!cell) return "";
  if (cell.type === "raw_number") return cell.value;
  return cell.type === "rich_text" ? richTextWords(cell) : (cell.text?.text ?? cell.text ?? "");
}

const aligned = (cell, setting) => `align-${setting?.align ?? (cell?.type === "raw_number" ? "right" : "left")}`;

/** A wide table scrolls inside its own frame, which the keyboard can reach; the page never scrolls sideways. */
function frame(label, table) {
  return h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": label }, table);
}

export function table(block, context) {
  const [head = [], ...rows] = block.rows ?? [];
  const settings = block.column_settings ?? [];
  const cell = (tag, item, i) =>
    h(
      tag,
      {
        class: [aligned(item, settings[i]), settings[i]?.is_wrapped === false && "no-wrap"],
        scope: tag === "th" ? "col" : null,
      },
      content(item, block, context),
    );
  return frame(
    "Table",
    h(
      "table",
      { class: "table" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          head.map((item, i) => cell("th", item, i)),
        ),
      ),
      h(
        "tbody",
        {},
        rows.map((row) =>
          h(
            "tr",
            {},
            row.map((item, i) => cell("td", item, i)),
          ),
        ),
      ),
    ),
  );
}

const compare = (a, b) =>
  typeof a === "number" && typeof b === "number"
    ? a - b
    : String(a).localeCompare(String(b), undefined, { numeric: true });

export function dataTable(block, context) {
  const [head = [], ...rows] = block.rows ?? [];
  const perPage = block.page_size ?? 5;
  const rowHeader = block.row_header_column_index ?? 0;
  const numeric = head.map((_, i) => rows.length > 0 && rows.every((row) => row[i]?.type === "raw_number"));
  let sorted = null;
  let page = 0;
  let wanted = "";
  const captionId = uid("caption");
  const body = h("tbody");
  const pager = h("div", { class: "pager" });
  const headRow = h("tr");
  const filter = h("input", {
    class: "input input--small",
    type: "search",
    placeholder: "Filter",
    "aria-label": `Filter ${block.caption ?? "table"}`,
    oninput: () => {
      wanted = filter.value.trim().toLocaleLowerCase();
      page = 0;
      draw();
    },
  });

  function visible() {
    const fits = rows.filter(
      (row) => !wanted || row.some((item) => String(key(item)).toLocaleLowerCase().includes(wanted)),
    );
    if (!sorted) return fits;
    return fits.toSorted((a, b) => sorted.way * compare(key(a[sorted.column]), key(b[sorted.column])));
  }

  function sortBy(column) {
    sorted = sorted?.column !== column ? { column, way: 1 } : sorted.way === 1 ? { column, way: -1 } : null;
    page = 0;
    draw();
    headRow.querySelectorAll("button")[column]?.focus();
  }

  function draw() {
    const shown = visible();
    const pages = Math.max(1, Math.ceil(shown.length / perPage));
    page = Math.min(page, pages - 1);
    replaceChildren(
      headRow,
      head.map((item, i) => {
        const way = sorted?.column === i ? (sorted.way === 1 ? "ascending" : "descending") : "none";
        return h(
          "th",
          { scope: "col", "aria-sort": way, class: numeric[i] ? "align-right" : "align-left" },
          h(
            "button",
            { type: "button", class: "sort", onclick: () => sortBy(i) },
            h("span", {}, content(item, block, context)),
            h(
              "span",
              { class: "sort-sign", "aria-hidden": "true" },
              { none: "", ascending: "↑", descending: "↓" }[way],
            ),
          ),
        );
      }),
    );
    replaceChildren(
      body,
      shown.slice(page * perPage, (page + 1) * perPage).map((row) =>
        h(
          "tr",
          {},
          row.map((item, i) =>
            h(
              i === rowHeader ? "th" : "td",
              { scope: i === rowHeader ? "row" : null, class: aligned(item) },
              content(item, block, context),
            ),
          ),
        ),
      ),
      shown.length === 0 &&
        h("tr", {}, h("td", { colspan: String(head.length), class: "align-left" }, "No row matches.")),
    );
    const turn = (by, label, sign) =>
      h(
        "button",
        {
          type: "button",
          class: "icon-button icon-button--tiny",
          "aria-label": label,
          disabled: page + by < 0 || page + by >= pages,
          onclick: () => {
            page += by;
            draw();
          },
        },
        icon(sign),
      );
    pager.hidden = rows.length <= perPage;
    const first = page * perPage;
    replaceChildren(
      pager,
      h(
        "span",
        { "aria-live": "polite" },
        shown.length ? `${first + 1}–${Math.min(first + perPage, shown.length)} of ${shown.length}` : "0 rows",
      ),
      turn(-1, "Previous page", "back"),
      turn(1, "Next page", "right"),
    );
  }

  draw();
  return h(
    "div",
    { class: "data-table" },
    h(
      "div",
      { class: "data-table-head" },
      h("p", { class: "caption", id: captionId }, plain(block.caption ?? "")),
      rows.length > perPage && filter,
    ),
    frame(
      block.caption ?? "Table",
      h("table", { class: "table", "aria-labelledby": captionId }, h("thead", {}, headRow), body),
    ),
    pager,
  );
}
