/** The question before an act that its author wanted confirmed: names the effect, gives a way back. */

import { h, uid } from "./dom.js";
import { text } from "./mrkdwn.js";

/** Shows a confirm object of Block Kit; resolves to true only if the reader agreed. */
export function confirm(question) {
  return new Promise((resolve) => {
    const title = uid("confirm");
    const body = uid("confirm");
    const yes = h(
      "button",
      {
        type: "button",
        class: ["button", question.style === "danger" ? "button--danger-solid" : "button--primary"],
        onclick: () => end(true),
      },
      text(question.confirm ?? "Yes"),
    );
    const dialog = h(
      "dialog",
      {
        class: "dialog dialog--small",
        role: "alertdialog",
        "aria-labelledby": title,
        "aria-describedby": body,
        data: { role: "confirm" },
      },
      h("h2", { class: "dialog-title", id: title }, text(question.title ?? "Are you sure?")),
      h("div", { class: "dialog-body", id: body }, text(question.text)),
      h(
        "footer",
        { class: "dialog-foot" },
        h("button", { type: "button", class: "button", onclick: () => end(false) }, text(question.deny ?? "Cancel")),
        yes,
      ),
    );
    const before = document.activeElement;
    function end(answer) {
      dialog.close();
      dialog.remove();
      before?.focus?.({ preventScroll: true });
      resolve(answer);
    }
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      end(false);
    });
    document.body.append(dialog);
    dialog.showModal();
    yes.focus();
  });
}
