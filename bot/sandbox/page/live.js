/** The stream of what happens in the workspace, kept open; loss of it is said, never hidden. */

import { liveAddress } from "./api.js";

const KINDS = [
  "message",
  "message_changed",
  "message_deleted",
  "reaction",
  "channel",
  "view_opened",
  "view_updated",
  "view_closed",
  "home",
  "ephemeral",
  "typing",
  "presence",
  "app",
];
const WORTH_WAITING_MS = 2000;
const SILENCE_BEFORE_WORRY_MS = 700;
const RETRY_MS = [500, 1000, 2000, 4000, 8000];

/**
 * Follows the workspace as `user`. `onEvent(kind, data)` for each event, `onState("open"|"lost", again)` when the
 * connection comes and goes; `again` is true when it had been lost and the page may have missed something.
 * Returns {opened, end}: a promise that the stream runs (or that waiting for it is not worth more time), and its end.
 */
export function follow(user, onEvent, onState) {
  let source = null;
  let timer = null;
  let worry = null;
  let lost = false;
  let attempts = 0;
  let ended = false;
  let ready;
  const opened = new Promise((resolve) => (ready = resolve));
  setTimeout(ready, WORTH_WAITING_MS);

  function connected() {
    ready();
    clearTimeout(worry);
    worry = null;
    attempts = 0;
    onState("open", lost);
    lost = false;
  }

  function failed() {
    worry ??= setTimeout(() => {
      lost = true;
      onState("lost", false);
    }, SILENCE_BEFORE_WORRY_MS);
    if (source.readyState !== EventSource.CLOSED || ended) return;
    timer = setTimeout(connect, RETRY_MS[Math.min(attempts, RETRY_MS.length - 1)]);
    attempts += 1;
  }

  function connect() {
    source?.close();
    source = new EventSource(liveAddress(user));
    source.addEventListener("open", connected);
    source.addEventListener("error", failed);
    for (const kind of KINDS) {
      source.addEventListener(kind, (event) => onEvent(kind, event.data ? JSON.parse(event.data) : {}));
    }
  }

  connect();
  function end() {
    ended = true;
    clearTimeout(timer);
    clearTimeout(worry);
    source?.close();
  }

  return { opened, end };
}
