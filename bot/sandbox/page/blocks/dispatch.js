/**
 * What every interactive element of Block Kit does with its context.
 *
 * Each builder gets (element, block, context). `context.act(action)` does what a click in a message or view does and
 * resolves when the app has answered; `context.set(block, element, state)` records a value of a view; `context.get`
 * reads it. Elements inside an `input` block only record, unless the block has `dispatch_action`.
 */

import { confirm } from "../confirm.js";

/** Names a control, so that the keyboard focus finds it again when its message is drawn anew. */
export const focusKey = (block, element) => `${block.block_id ?? ""}/${element.action_id ?? ""}/${element.value ?? ""}`;

/** Asks where a question is set, then acts; the control shows that it is working and cannot be pressed twice. */
export async function dispatch(control, element, block, context, action) {
  if (control.getAttribute("aria-busy") === "true") return;
  if (element.confirm && !(await confirm(element.confirm))) return;
  control.setAttribute("aria-busy", "true");
  try {
    await context.act({ action_id: element.action_id, block_id: block.block_id, type: element.type, ...action });
  } finally {
    control.removeAttribute("aria-busy");
  }
}

/** Records a state, and tells the app of it where the element stands outside an input block or asks to dispatch. */
export function changed(control, element, block, context, state) {
  context.set?.(block, element, { type: element.type, ...state });
  if (block.type !== "input" || block.dispatch_action) dispatch(control, element, block, context, state);
}
