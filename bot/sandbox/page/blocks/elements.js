/** The elements of Block Kit: which builder makes which type. */

import { h } from "../dom.js";
import { plain, text } from "../mrkdwn.js";
import { button, feedback, iconButton, overflow } from "./buttons.js";
import { fileInput } from "./fileinput.js";
import { LINES, choices, dateTime, line, textInput } from "./inputs.js";
import { SELECTS, select } from "./selects.js";

function picture(element, block, context) {
  return context.image(element, "element-image");
}

const BUILDERS = {
  button,
  overflow,
  image: picture,
  icon_button: iconButton,
  feedback_buttons: feedback,
  workflow_button: button,
  radio_buttons: choices,
  checkboxes: choices,
  datetimepicker: dateTime,
  plain_text_input: textInput,
  rich_text_input: textInput,
  file_input: fileInput,
  ...Object.fromEntries(Object.keys(SELECTS).map((type) => [type, select])),
  ...Object.fromEntries(Object.keys(LINES).map((type) => [type, line])),
};

export function element(item, block, context) {
  const build = BUILDERS[item.type];
  if (build) return build(item, block, context);
  if (item.type === "mrkdwn" || item.type === "plain_text") return h("span", {}, text(item));
  return h("span", { class: "unknown" }, plain(`[${item.type}]`));
}
