/** The app's Home tab: its view, drawn as the app published it for this person. */

import { act } from "./api.js";
import { renderBlocks } from "./blocks/index.js";
import { h, replaceChildren } from "./dom.js";
import { tellUnacknowledged } from "./message.js";
import { local } from "./router.js";
import { store } from "./store.js";
import { attempt } from "./toast.js";

const PATIENCE_MS = 2000; // how long an app may take to publish before the page says that there is nothing

export function home(room) {
  let view = null;
  let patience = null;
  const values = new Map();
  const keyOf = (block, element) => `${block.block_id}\n${element.action_id}`;

  async function open() {
    replaceChildren(room, h("div", { class: "home-page" }, h("p", { class: "quiet", role: "status" }, "Opening…")));
    view = null;
    clearTimeout(patience);
    const answer = await attempt(act("home", { user: store.me }));
    if (answer?.view) show(answer.view);
    else patience = setTimeout(() => view ?? show(null), PATIENCE_MS);
  }

  function show(fresh) {
    view = fresh;
    const focused = room.contains(document.activeElement)
      ? document.activeElement.closest("[data-key]")?.dataset.key
      : null;
    const top = room.scrollTop;
    replaceChildren(
      room,
      view
        ? h("div", { class: "home-page surface" }, renderBlocks(view.blocks, context()))
        : h(
            "div",
            { class: "empty" },
            h("p", {}, h("strong", {}, `${store.app.name} has not published a Home yet.`)),
            h(
              "p",
              {},
              store.app.connected === false
                ? "The app is not connected to this workspace."
                : "It appears here as soon as the app publishes it.",
            ),
          ),
    );
    room.scrollTop = top;
    if (focused)
      [...room.querySelectorAll("[data-key]")]
        .find((node) => node.dataset.key === focused)
        ?.focus({ preventScroll: true });
  }

  const context = () => ({
    act: async (action) => tellUnacknowledged(await attempt(act("click", { user: store.me, view: "home", ...action }))),
    follow: (event, href, tell) => {
      const here = local(href);
      if (here) {
        event.preventDefault();
        location.hash = here;
      }
      tell();
    },
    set: (block, element, state) => values.set(keyOf(block, element), state),
    get: (block, element) => values.get(keyOf(block, element)),
  });

  return { open, show };
}
