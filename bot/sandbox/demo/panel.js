/** The demo's world beside the workspace: what the product calls, what its users get, and switches that break things. */

import { h, svg } from "/page/dom.js";

const SECONDS = 60;
const BAR = { step: 5, width: 3.6, up: 34, down: 26 };
const WIDTH = SECONDS * BAR.step;
const HEIGHT = BAR.up + BAR.down + 1;
const SMALLEST_SCALE = 6;
const BADGES = { healthy: "badge--ok", recovering: "badge--warn", slow: "badge--warn", failing: "badge--danger" };
const ERRORS = {
  timeout: "no answer in time",
  overloaded: "error 503",
  server: "server error",
  connection: "no connection",
  malformed: "unreadable answer",
  unknown_provider: "unknown provider",
};

/** Shows the world in `element` and keeps it up to date; the function that it returns ends that. */
export function mount(element) {
  const styles = h("link", { rel: "stylesheet", href: new URL("panel.css", import.meta.url).href });
  document.head.append(styles);
  const view = panel();
  element.replaceChildren(view.root);
  const live = new EventSource("/world/live");
  live.addEventListener("world", (event) => view.show(JSON.parse(event.data)));
  live.addEventListener("open", () => view.connected(true));
  live.addEventListener("error", () => view.connected(false));
  return () => {
    live.close();
    styles.remove();
  };
}

function panel() {
  const route = routeSection();
  const mail = mailSection();
  const cards = new Map();
  const providers = h("div", { class: "world-providers" });
  const answers = h("ol", { class: "world-answers" });
  const asking = h("p", { class: "panel-note" }, "The trail has every call: type ", h("code", {}, "/badday calls"), " in a channel.");
  const lost = h("p", { class: "world-lost", role: "status", hidden: true }, "The demo has ended. Start it again with make demo.");
  const announcer = h("div", { class: "visually-hidden", role: "status" });
  const root = h(
    "div",
    { class: "world" },
    h("p", { class: "panel-note world-intro" }, "Simulated, and not part of Slack. Break a provider and watch the desk work."),
    lost,
    mail.root,
    route.root,
    h("section", { class: "panel-section" }, h("h3", {}, "Providers"), providers),
    h("section", { class: "panel-section" }, h("h3", {}, "What users get"), asking, answers),
    announcer,
  );
  let told = null;

  function show(world) {
    const scale = Math.max(SMALLEST_SCALE, ...world.providers.flatMap((provider) => provider.series.map(([ok, failed]) => Math.max(ok, failed))));
    for (const provider of world.providers) {
      if (!cards.has(provider.key)) {
        cards.set(provider.key, card(provider, cards.size + 1));
        providers.append(cards.get(provider.key).root);
      }
      cards.get(provider.key).show(provider, scale, world.product?.route === provider.key);
    }
    route.show(world.product, world.now);
    mail.show(world.mails);
    answers.replaceChildren(...(world.answers.length ? world.answers.map((answer) => answerItem(answer)) : [h("li", { class: "panel-note" }, "Nobody has asked yet.")]));
    const news = headline(world);
    if (told !== null && news !== told) announcer.textContent = news;
    told = news;
  }

  return { root, show, connected: (yes) => { lost.hidden = yes; root.classList.toggle("is-lost", !yes); } };
}

function headline(world) {
  const health = world.providers.map((provider) => `${provider.name} is ${provider.health}`).join(". ");
  const calls = world.product ? ` The product calls ${world.product.route_name}.` : "";
  const newest = world.mails[0];
  return `${health}.${calls}${newest ? ` Mail ${newest.number} came for ${newest.to}.` : ""}`;
}

/** What the mail server was given, newest first; not there until the first mail comes. */
function mailSection() {
  const list = h("ol", { class: "world-mails" });
  const root = h("section", { class: "panel-section", hidden: true }, h("h3", {}, "Mail"), list);
  let listed = 0;

  function show(mails) {
    const newest = mails[0]?.number ?? 0;
    if (newest === listed) return;
    // Only what is new is drawn: the keyboard's place must not vanish under a person who reads the list.
    list.prepend(...mails.filter((mail) => mail.number > listed).map((mail) => mailItem(mail)));
    while (list.children.length > mails.length) list.lastElementChild.remove();
    listed = newest;
    root.hidden = false;
  }

  return { root, show };
}

function mailItem(mail) {
  const at = h("time", { datetime: mail.at }, new Date(mail.at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
  const subject = h("a", { href: `/world/mail/${mail.number}`, target: "_blank", rel: "noopener" }, mail.subject, h("span", { class: "visually-hidden" }, " (opens the mail)"));
  return h("li", { class: "world-mail" }, h("p", { class: "world-mail-to" }, h("span", {}, `To ${mail.to}`), at), h("p", { class: "world-mail-subject" }, subject));
}

function routeSection() {
  const name = h("strong", { class: "world-route-name" }, "…");
  const since = h("p", { class: "panel-note" }, "The product starts.");
  const root = h(
    "section",
    { class: "panel-section" },
    h("h3", {}, "Route in force"),
    h("p", { class: "world-route" }, h("code", {}, "route.chat"), h("span", { class: "world-arrow", "aria-label": "is" }, "→"), name),
    since,
  );

  function show(product, now) {
    if (!product) return;
    name.textContent = product.route_name;
    since.textContent = routeNote(product, now);
    since.classList.toggle("world-warning", product.switchboard === "unreachable");
  }

  return { root, show };
}

function routeNote(product, now) {
  if (product.switchboard === "unreachable") return "The product cannot reach the switchboard and keeps the last values.";
  const seconds = Math.max(0, Math.round((new Date(now) - new Date(product.since)) / 1000));
  const asked = `As the product's last question found it, unchanged for ${duration(seconds)}.`;
  return product.autoreply ? asked : `Automatic replies are off: people answer. ${asked}`;
}

function duration(seconds) {
  if (seconds < 60) return `${seconds} s`;
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

function card(provider, number) {
  const title = h("h4", { id: `world-${provider.key}` }, h("span", { class: "world-key", "aria-hidden": "true" }), provider.name);
  const badge = h("span", { class: "badge" });
  const inRoute = h("span", { class: "badge world-in-route" }, "in route");
  const answered = svg("path", { class: "world-answered" });
  const failed = svg("path", { class: "world-failed" });
  const chart = svg(
    "svg",
    { class: "world-chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" },
    answered,
    failed,
    svg("path", { class: "world-base", d: `M0 ${BAR.up + 0.5}H${WIDTH}` }),
  );
  const figures = h("p", { class: "world-figures" });
  const buttons = provider.switches.map((item) => switchButton(provider, item));
  const page = provider.status_page && h("a", { href: provider.status_page, target: "_blank", rel: "noopener" }, "Status page");
  const root = h(
    "article",
    { class: "world-card", "aria-labelledby": `world-${provider.key}`, vars: { "--series": `var(--chart-${number})` } },
    h("header", {}, title, inRoute, badge),
    chart,
    h("div", { class: "world-under" }, figures, page),
    h("div", { class: "world-switches", role: "group", "aria-label": `Switches of ${provider.name}` }, buttons.map((button) => button.root)),
  );

  function show(now, scale, routed) {
    badge.className = `badge ${BADGES[now.health] ?? ""}`;
    badge.textContent = now.health;
    inRoute.hidden = !routed;
    answered.setAttribute("d", bars(now.series.map(([ok]) => ok), scale, "up"));
    failed.setAttribute("d", bars(now.series.map(([, errors]) => errors), scale, "down"));
    figures.replaceChildren(...figuresOf(now));
    chart.setAttribute("aria-label", `Last minute of ${now.name}: ${figures.textContent}`);
    for (const button of buttons) button.show(now.switches.find((item) => item.action === button.action));
  }

  return { root, show };
}

function figuresOf(provider) {
  if (!provider.calls_per_second) return ["no calls"];
  const calls = `${provider.calls_per_second.toFixed(1)} calls/s`;
  if (!provider.errors_per_second) return [`${calls}, all answered`];
  if (provider.errors_per_second === provider.calls_per_second) return [`${calls}, `, h("b", { class: "world-bad" }, "all failing")];
  return [`${calls}, `, h("b", { class: "world-bad" }, `${provider.errors_per_second.toFixed(1)} failing`)];
}

/** One path for all bars: answered calls stand on the base line, failed ones hang from it. */
function bars(counts, scale, side) {
  const room = side === "up" ? BAR.up : BAR.down;
  return counts
    .map((count, second) => {
      if (!count) return "";
      const height = Math.max(2, (count / scale) * room);
      const top = side === "up" ? BAR.up - height : BAR.up + 1;
      return `M${(second * BAR.step + 0.7).toFixed(1)} ${top.toFixed(1)}h${BAR.width}v${height.toFixed(1)}h-${BAR.width}z`;
    })
    .join("");
}

function switchButton(provider, item) {
  const root = h("button", { type: "button", class: ["button", "button--small", item.action === "fail" && "button--danger"], title: item.hint, data: { switch: `${provider.key}:${item.action}` }, onclick }, item.label, h("span", { class: "visually-hidden" }, ` ${provider.name}`));

  // aria-disabled rather than disabled: the keyboard's place must not vanish under a person who has just pressed it.
  async function onclick() {
    if (root.getAttribute("aria-disabled") === "true") return;
    root.setAttribute("aria-busy", "true");
    try {
      await fetch("/world/switch", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ provider: provider.key, action: item.action }),
      });
    } catch {
      root.title = "The demo does not answer. Is it still running?";
    } finally {
      root.removeAttribute("aria-busy");
    }
  }

  return { root, action: item.action, show: (now) => root.setAttribute("aria-disabled", String(!now?.possible)) };
}

function answerItem(answer) {
  const failed = answer.error !== null;
  const how = failed ? `${answer.name}: ${ERRORS[answer.error] ?? answer.error}` : answer.name ? `${answer.name}, ${(answer.latency_ms / 1000).toFixed(1)} s` : "handed over";
  return h(
    "li",
    { class: ["world-answer", failed && "is-failed"] },
    h("p", { class: "world-question" }, answer.question),
    h("p", { class: "world-shown" }, answer.shown),
    h("p", { class: "world-how" }, h("span", { class: ["dot", failed ? "dot--danger" : "dot--ok"], "aria-hidden": "true" }), how),
  );
}
