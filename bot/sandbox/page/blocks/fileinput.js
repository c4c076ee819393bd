/** The file input of a modal: choose or drop files, look at them, take them back. */

import { h, replaceChildren } from "../dom.js";
import { pictureOf } from "../files.js";
import { icon } from "../icons.js";
import { focusKey } from "./dispatch.js";

export function fileInput(element, block, context) {
  const most = element.max_files ?? 10;
  let files = context.get?.(block, element)?.files ?? [];
  const list = h("ul", { class: "file-list" });
  const input = h("input", {
    type: "file",
    class: "visually-hidden",
    id: context.controlId,
    multiple: most > 1,
    accept: (element.filetypes ?? []).map((type) => `.${type}`).join(",") || null,
    "aria-describedby": context.describedBy,
    data: { key: focusKey(block, element), action: element.action_id },
    onchange: () => add(input.files),
  });
  const zone = h(
    "label",
    {
      class: "drop-zone",
      ondragover: (event) => {
        event.preventDefault();
        zone.classList.add("drop-zone--over");
      },
      ondragleave: () => zone.classList.remove("drop-zone--over"),
      ondrop: (event) => {
        event.preventDefault();
        zone.classList.remove("drop-zone--over");
        add(event.dataTransfer.files);
      },
    },
    input,
    icon("clip"),
    h("span", {}, h("strong", {}, "Choose files"), " or drop them here"),
    h(
      "small",
      {},
      [`up to ${most}`, element.filetypes?.length && element.filetypes.join(", ")].filter(Boolean).join(" · "),
    ),
  );

  function add(fresh) {
    files = [...files, ...fresh].slice(0, most);
    input.value = "";
    keep();
  }

  function keep() {
    context.set?.(block, element, { type: element.type, files });
    replaceChildren(
      list,
      files.map((file) =>
        h(
          "li",
          { class: "file-chip" },
          pictureOf(file),
          h("span", {}, file.name),
          h(
            "button",
            {
              type: "button",
              class: "icon-button icon-button--tiny",
              "aria-label": `Remove ${file.name}`,
              onclick: () => {
                files = files.filter((one) => one !== file);
                keep();
              },
            },
            icon("close"),
          ),
        ),
      ),
    );
  }

  keep();
  return h("div", { class: "file-input" }, zone, list);
}
