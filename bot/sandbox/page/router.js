/** The address after # says what is shown: #/home, #/c/CHANNEL, #/c/CHANNEL/TS, …/t/ROOT (its thread is open). */

const ROUTE =
  /^#\/(?:(?<home>home)|c\/(?<channel>[\w.-]+)(?:\/(?<ts>\d+\.\d+))?(?:\/t\/(?<thread>\d+\.\d+))?)(?:\?(?<query>.*))?$/u;
const ARCHIVE = /\/archives\/(?<channel>[A-Z0-9]+)\/p(?<whole>\d{10})(?<fraction>\d{6})/u;

/** What an address asks for, or null where it asks for nothing of ours. */
export function parse(hash) {
  const found = ROUTE.exec(decodeURI(hash));
  if (!found) return null;
  const { home, channel, ts, thread, query } = found.groups;
  const root = thread ?? new URLSearchParams(query ?? "").get("thread_ts");
  return home ? { home: true } : { channel, ts: ts ?? null, thread: root ?? null };
}

export function address({ home, channel, ts, thread }) {
  if (home) return "#/home";
  return `#/c/${channel}${ts ? `/${ts}` : ""}${thread ? `/t/${thread}` : ""}`;
}

export function go(place) {
  const next = address(place);
  if (location.hash === next) dispatchEvent(new HashChangeEvent("hashchange"));
  else location.hash = next;
}

/** Changes the address without moving anything. */
export function note(place) {
  history.replaceState(null, "", address(place));
}

export function permalink(channel, ts, thread) {
  return `${location.origin}/${address({ channel, ts, thread: thread && thread !== ts ? thread : null })}`;
}

/** The in-page address of a link to a message of this workspace (ours, or Slack's archive form), or null. */
export function local(href) {
  const url = new URL(href, location.href);
  if (url.origin === location.origin && parse(url.hash)) return url.hash;
  const archive = ARCHIVE.exec(url.pathname);
  if (!archive || url.origin !== location.origin) return null;
  const { channel, whole, fraction } = archive.groups;
  return address({ channel, ts: `${whole}.${fraction}`, thread: url.searchParams.get("thread_ts") });
}
