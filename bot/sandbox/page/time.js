/** Times in the reader's own zone and words, relative to the workspace's clock. */

import { store } from "./store.js";

const format = (options) => new Intl.DateTimeFormat(undefined, options);
const CLOCK = format({ hour: "2-digit", minute: "2-digit" });
const CLOCK_SECONDS = format({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const FULL = format({
  weekday: "long",
  day: "numeric",
  month: "long",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});
const DAY_SHORT = format({ weekday: "long", day: "numeric", month: "long" });
const RELATIVE = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const DAY_MS = 86_400_000;

export const clock = (date) => CLOCK.format(date);
export const full = (date) => FULL.format(date);

export function dateOfTs(ts) {
  return new Date(Number.parseFloat(ts) * 1000);
}

/** Whole days between two moments as a person counts them (midnights crossed). */
function daysAgo(date, now = store.now()) {
  const midnight = (moment) => new Date(moment.getFullYear(), moment.getMonth(), moment.getDate()).getTime();
  return Math.round((midnight(now) - midnight(date)) / DAY_MS);
}

export function dayKey(date) {
  return `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
}

const capital = (word) => word.charAt(0).toLocaleUpperCase() + word.slice(1);

export function dayName(date) {
  const ago = daysAgo(date);
  if (ago === 0 || ago === 1) return capital(RELATIVE.format(-ago, "day"));
  if (date.getFullYear() === store.now().getFullYear()) return DAY_SHORT.format(date);
  return format({ day: "numeric", month: "long", year: "numeric" }).format(date);
}

export function when(date) {
  return daysAgo(date) === 0 ? clock(date) : `${dayName(date)}, ${clock(date)}`;
}

export function ago(date) {
  const seconds = (date.getTime() - store.now().getTime()) / 1000;
  const size = Math.abs(seconds);
  if (size < 60) return RELATIVE.format(Math.round(seconds), "second");
  if (size < 3600) return RELATIVE.format(Math.round(seconds / 60), "minute");
  if (size < 86_400) return RELATIVE.format(Math.round(seconds / 3600), "hour");
  return RELATIVE.format(Math.round(seconds / 86_400), "day");
}

/** Slack's date tokens: https://docs.slack.dev/messaging/formatting-message-text#date-formatting */
const TOKENS = {
  date_num: (date) =>
    `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, "0")}-${String(date.getDate()).padStart(2, "0")}`,
  date: (date) => format({ day: "numeric", month: "long", year: "numeric" }).format(date),
  date_short: (date) => format({ day: "numeric", month: "short", year: "numeric" }).format(date),
  date_long: (date) => format({ weekday: "long", day: "numeric", month: "long", year: "numeric" }).format(date),
  time: clock,
  time_secs: (date) => CLOCK_SECONDS.format(date),
  ago,
};

function pretty(plain) {
  return (date) => (Math.abs(daysAgo(date)) <= 1 ? RELATIVE.format(-daysAgo(date), "day") : TOKENS[plain](date));
}
for (const name of ["date", "date_short", "date_long"]) TOKENS[`${name}_pretty`] = pretty(name);
TOKENS.day_divider_pretty = (date) => dayName(date);

/** Fills a format such as "{date_short_pretty} at {time}"; unknown tokens stay as written. */
export function fillDate(pattern, date) {
  return pattern.replace(/\{(\w+)\}/gu, (whole, name) => (Object.hasOwn(TOKENS, name) ? TOKENS[name](date) : whole));
}
