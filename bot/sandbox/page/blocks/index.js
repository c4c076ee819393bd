/** Block Kit to DOM: one function a block type, unknown types shown as what they are. */

import { fragment, h, safeUrl, uid } from "../dom.js";
import { fileCard } from "../files.js";
import { icon } from "../icons.js";
import { link, plain, text, words } from "../mrkdwn.js";
import { chart } from "./chart.js";
import { element } from "./elements.js";
import { markdown } from "./markdown.js";
import { richText } from "./richtext.js";
import { dataTable, table } from "./table.js";

/** Pictures of this workspace are shown; others are named and linked, because this page loads nothing from elsewhere. */
export function image(item, className = "block-image") {
  const alt = item.alt_text ?? "";
  if (item.slack_file?.id)
    return h("img", {
      class: className,
      src: `/control/files/${encodeURIComponent(item.slack_file.id)}`,
      alt,
      loading: "lazy",
    });
  const href = safeUrl(item.image_url ?? "");
  if (href && new URL(href).origin === location.origin)
    return h("img", { class: className, src: href, alt, loading: "lazy" });
  const small = className !== "block-image";
  return h(
    "span",
    { class: ["image-elsewhere", small && "image-elsewhere--small"], role: "img", "aria-label": alt, title: alt },
    icon("image"),
    !small && h("span", {}, alt, href && [h("br"), link(href, `Picture on ${new URL(href).host}, not loaded here`)]),
  );
}

function section(block, context) {
  const accessory =
    block.accessory &&
    h("div", { class: "accessory" }, element(block.accessory, block, { ...context, label: words(block.text) }));
  return h(
    "div",
    { class: ["section", block.accessory?.type === "image" && "section--image"] },
    h(
      "div",
      { class: "section-body" },
      block.text && h("div", { class: "section-text" }, text(block.text)),
      block.fields &&
        h(
          "div",
          { class: "fields" },
          block.fields.map((field) => h("div", { class: "field-cell" }, text(field))),
        ),
    ),
    accessory,
  );
}

function input(block, context) {
  const controlId = uid("input");
  const hintId = block.hint ? uid("hint") : null;
  const error = context.errors?.[block.block_id];
  const errorId = error ? uid("error") : null;
  const label = words(block.label);
  const node = element(block.element, block, {
    ...context,
    controlId,
    label,
    required: !block.optional,
    describedBy: [errorId, hintId].filter(Boolean).join(" ") || null,
  });
  const control = node.id === controlId ? node : node.querySelector(`#${controlId}`);
  if (error) control?.setAttribute("aria-invalid", "true");
  return h(
    "div",
    { class: ["field", error && "field--wrong"], data: { block: block.block_id } },
    h(
      "label",
      { class: "field-label", for: controlId },
      text(block.label),
      block.optional && h("small", {}, " optional"),
    ),
    node,
    error && h("p", { class: "field-error", id: errorId }, icon("warn"), h("span", {}, plain(error))),
    hintId && h("p", { class: "field-hint", id: hintId }, text(block.hint)),
  );
}

const ALERT_ICON = { warning: "warn", error: "warn", success: "ok" };

function card(block, context) {
  return h(
    "div",
    { class: "card" },
    block.hero_image && image(block.hero_image, "block-image"),
    h(
      "div",
      { class: "card-head" },
      block.icon && image(block.icon, "element-image"),
      h(
        "div",
        {},
        block.title && h("strong", {}, text(block.title)),
        block.subtitle && h("small", {}, text(block.subtitle)),
      ),
    ),
    block.body && h("p", {}, text(block.body)),
    block.actions &&
      h(
        "div",
        { class: "actions" },
        block.actions.map((item) => element(item, block, context)),
      ),
  );
}

const TASK_SIGN = {
  pending: ["○", "pending"],
  in_progress: ["◐", "in progress"],
  complete: ["●", "done"],
  error: ["✕", "failed"],
};

function task(block) {
  const [sign, meaning] = TASK_SIGN[block.status] ?? TASK_SIGN.pending;
  return h(
    "div",
    { class: `task-card task-card--${block.status}` },
    h("span", { role: "img", "aria-label": meaning }, sign),
    h(
      "div",
      {},
      h("strong", {}, plain(block.title)),
      block.details && richText(block.details),
      block.output && richText(block.output),
    ),
  );
}

const BLOCKS = {
  section,
  input,
  table,
  card,
  data_table: dataTable,
  data_visualization: chart,
  header: (block) => h("h3", { class: `block-header block-header--${block.level ?? 1}` }, text(block.text)),
  divider: () => h("hr", { class: "divider" }),
  context: (block, context) =>
    h(
      "div",
      { class: "context" },
      (block.elements ?? []).map((item) =>
        item.type === "image" ? image(item, "context-image") : h("span", { class: "context-text" }, text(item)),
      ),
    ),
  actions: (block, context) =>
    h(
      "div",
      { class: "actions" },
      (block.elements ?? []).map((item) => element(item, block, context)),
    ),
  context_actions: (block, context) =>
    h(
      "div",
      { class: "actions actions--context" },
      (block.elements ?? []).map((item) => element(item, block, context)),
    ),
  image: (block) =>
    h("figure", { class: "figure" }, block.title && h("figcaption", {}, text(block.title)), image(block)),
  rich_text: (block) => h("div", { class: "rich-text" }, richText(block)),
  markdown: (block) => h("div", { class: "rich-text" }, markdown(block.text)),
  alert: (block) =>
    h(
      "div",
      { class: `alert alert--${block.level ?? "default"}`, role: "note" },
      icon(ALERT_ICON[block.level] ?? "info"),
      h("div", {}, text(block.text)),
    ),
  file: (block) => (block.file ? fileCard(block.file) : h("p", { class: "quiet" }, `File ${block.external_id ?? ""}`)),
  video: (block) =>
    h(
      "div",
      { class: "file-card" },
      h("span", { class: "file-picture" }, icon("play")),
      h(
        "span",
        { class: "file-words" },
        h("strong", {}, link(block.title_url ?? block.video_url, words(block.title))),
        h("small", {}, block.description ? words(block.description) : "Video, not played here"),
      ),
    ),
  task_card: task,
  plan: (block) => h("div", { class: "plan" }, h("strong", {}, plain(block.title)), (block.tasks ?? []).map(task)),
  carousel: (block, context) =>
    h(
      "div",
      { class: "carousel", tabindex: "0", role: "group", "aria-label": "Cards" },
      (block.elements ?? block.cards ?? []).map((item) => card(item, context)),
    ),
  container: (block, context) => {
    const head = h(
      "span",
      {},
      block.title && h("strong", {}, text(block.title)),
      block.subtitle && h("small", {}, text(block.subtitle)),
    );
    const body = renderBlocks(block.child_blocks, context);
    if (!block.is_collapsible) return h("div", { class: "container" }, head, body);
    return h("details", { class: "container", open: !block.default_collapsed }, h("summary", {}, head), body);
  },
};

function one(block, context) {
  const build = BLOCKS[block.type];
  if (!build) return h("p", { class: "unknown" }, `This page has no picture of a “${block.type}” block.`);
  return build(block, context);
}

/** `context` says who acts and where (see elements.js); it must hold `act` and `follow`. */
export function renderBlocks(blocks, context) {
  const complete = { image, ...context };
  return fragment((blocks ?? []).map((block) => one(block, complete)));
}

/** Secondary attachments: the only place where Slack has a colour bar. */
export function renderAttachment(attachment, context) {
  const bar = /^#?(?<hex>[0-9a-f]{3}|[0-9a-f]{6})$/iu.exec(attachment.color ?? "")?.groups.hex;
  const named = { good: "var(--ok)", warning: "var(--warn)", danger: "var(--danger)" }[attachment.color];
  const legacy = [
    attachment.pretext && h("p", { class: "quiet" }, text({ type: "mrkdwn", text: attachment.pretext })),
    attachment.author_name && h("p", { class: "quiet" }, plain(attachment.author_name)),
    attachment.title &&
      h(
        "p",
        {},
        h(
          "strong",
          {},
          attachment.title_link ? link(attachment.title_link, attachment.title) : plain(attachment.title),
        ),
      ),
    attachment.text && h("div", { class: "section-text" }, text({ type: "mrkdwn", text: attachment.text })),
    attachment.fields &&
      h(
        "div",
        { class: "fields" },
        attachment.fields.map((field) =>
          h(
            "div",
            { class: "field-cell" },
            h("strong", {}, plain(field.title)),
            h("br"),
            text({ type: "mrkdwn", text: field.value }),
          ),
        ),
      ),
    attachment.footer && h("p", { class: "quiet" }, plain(attachment.footer)),
  ];
  const body = attachment.blocks?.length
    ? renderBlocks(attachment.blocks, context)
    : legacy.some(Boolean)
      ? legacy
      : plain(attachment.fallback ?? "");
  return h("div", { class: "attachment", vars: { "--bar": named ?? (bar ? `#${bar}` : "var(--line-strong)") } }, body);
}
