/** The optional panel on the right: a module that somebody else serves, given a room that looks like the rest. */

import { h } from "./dom.js";
import { icon } from "./icons.js";

const WIDTH_KEY = "workspace.panel";
const CLOSED_KEY = "workspace.panel.closed";
const LEAST = 280;
const MOST = 640;
const STEP = 24;

/** Loads the panel if there is one. Returns {button(), toggle()}; `onChange()` hears when it opens or closes. */
export function panel(room, shell, { onChange }) {
  let title = null;
  const narrow = matchMedia("(max-width: 900px)");

  function setWidth(width) {
    const kept = Math.round(Math.max(LEAST, Math.min(width, MOST, innerWidth * 0.5)));
    shell.style.setProperty("--panel-width", `${kept}px`);
    grip.setAttribute("aria-valuenow", String(kept));
    localStorage.setItem(WIDTH_KEY, String(kept));
  }

  const grip = h("div", {
    class: "panel-grip",
    role: "separator",
    tabindex: "0",
    "aria-orientation": "vertical",
    "aria-label": "Width of the panel",
    "aria-valuemin": LEAST,
    "aria-valuemax": MOST,
    onpointerdown: (event) => {
      grip.setPointerCapture(event.pointerId);
      shell.classList.add("resizing");
    },
    onpointermove: (event) => grip.hasPointerCapture(event.pointerId) && setWidth(innerWidth - event.clientX - 8),
    onpointerup: () => shell.classList.remove("resizing"),
    onkeydown: (event) => {
      const move = { ArrowLeft: STEP, ArrowRight: -STEP }[event.key];
      if (!move) return;
      event.preventDefault();
      setWidth(room.offsetWidth + move);
    },
  });

  async function load() {
    let told;
    try {
      const response = await fetch("/page/panel.json");
      if (!response.ok) return;
      told = await response.json();
    } catch {
      return; // No panel is the normal case; the workspace itself says when it cannot be reached.
    }
    if (!told?.script) return;
    const address = new URL(told.script, location.href);
    if (address.origin !== location.origin) return;
    const body = h("div", { class: "panel-body" });
    title = told.title || "Panel";
    room.setAttribute("aria-label", title);
    room.append(
      grip,
      h(
        "header",
        { class: "bar" },
        h(
          "button",
          { type: "button", class: "icon-button only-narrow", "aria-label": "Back to the workspace", onclick: toggle },
          icon("back"),
        ),
        h("div", { class: "bar-title" }, h("h2", {}, title)),
        h(
          "div",
          { class: "bar-tools" },
          h(
            "button",
            {
              type: "button",
              class: "icon-button only-wide",
              "aria-label": `Hide ${title}`,
              title: "Hide",
              onclick: toggle,
            },
            icon("close"),
          ),
        ),
      ),
      body,
    );
    const kept = Number(localStorage.getItem(WIDTH_KEY));
    if (kept) setWidth(kept);
    show(!narrow.matches && localStorage.getItem(CLOSED_KEY) !== "yes");
    try {
      const module = await import(address.href);
      await module.mount(body);
    } catch (error) {
      body.replaceChildren(
        h("p", { class: "panel-note", role: "alert" }, `The panel could not start: ${error.message}`),
      );
    }
  }

  function show(open) {
    room.hidden = !open;
    shell.classList.toggle("with-panel", open);
    onChange();
  }

  function toggle() {
    const open = room.hidden;
    if (!narrow.matches) localStorage.setItem(CLOSED_KEY, open ? "no" : "yes");
    show(open);
    if (open && narrow.matches) room.querySelector("button")?.focus();
  }

  function button() {
    if (!title) return null;
    return h(
      "button",
      {
        type: "button",
        class: "icon-button panel-button",
        "aria-label": title,
        title,
        "aria-pressed": String(!room.hidden),
        onclick: toggle,
      },
      icon("panel"),
    );
  }

  narrow.addEventListener("change", () => title && show(!narrow.matches && localStorage.getItem(CLOSED_KEY) !== "yes"));
  return { load, button, toggle, hide: () => show(false), isOver: () => narrow.matches && !room.hidden };
}
