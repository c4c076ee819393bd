/** The data_visualization block: pie, bar, line and area as SVG, with a legend and the numbers as a table for readers. */

import { h, svg } from "../dom.js";

const WIDTH = 560; // until the real width is known
const HEIGHT = 232;
const LEAST = 240;
const LEFT = 46;
const RIGHT = 12;
const TOP = 12;
const BASE = 30;
const NUMBER = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });
const SHORT = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });

const colour = (i) => `var(--chart-${(i % 8) + 1})`;
const finite = (value) => (Number.isFinite(Number(value)) ? Number(value) : 0);

/** Round steps (1, 2, 2.5, 5 x 10^n) from at most zero to at least the largest value. */
export function scale(values, wanted = 4) {
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  const rough = (high - low || 1) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) * power;
  const from = Math.floor(low / step) * step;
  const to = Math.max(Math.ceil(high / step) * step, from + step);
  const ticks = Array.from({ length: Math.round((to - from) / step) + 1 }, (_, i) => from + i * step);
  return { from, to, ticks };
}

function axes(ticks, y, categories, x, width) {
  const longest = Math.max(...categories.map((name) => String(name).length), 1);
  const every = Math.ceil(categories.length / Math.max(1, Math.floor((width - LEFT) / (longest * 6.5 + 12))));
  return svg(
    "g",
    { class: "chart-axes", "aria-hidden": "true" },
    ticks.map((tick) => [
      svg("line", {
        x1: LEFT,
        x2: width - RIGHT,
        y1: y(tick),
        y2: y(tick),
        class: tick === 0 ? "chart-zero" : "chart-grid",
      }),
      svg("text", { x: LEFT - 8, y: y(tick) + 4, "text-anchor": "end" }, SHORT.format(tick)),
    ]),
    categories.map(
      (name, i) => i % every === 0 && svg("text", { x: x(i), y: HEIGHT - 10, "text-anchor": "middle" }, name),
    ),
  );
}

function plot(chart, width) {
  const series = chart.series ?? [];
  const categories = chart.axis_config?.categories ?? series[0]?.data?.map((point) => point.label) ?? [];
  const at = (one, name, i) =>
    finite((one.data ?? []).find((point) => point.label === name)?.value ?? one.data?.[i]?.value);
  const rows = series.map((one) => categories.map((name, i) => at(one, name, i)));
  const { from, to, ticks } = scale(rows.flat());
  const y = (value) => TOP + (1 - (value - from) / (to - from)) * (HEIGHT - TOP - BASE);
  const band = (width - LEFT - RIGHT) / Math.max(categories.length, 1);
  const x = (i) => LEFT + band * (i + 0.5);
  const title = (s, i) => svg("title", {}, `${series[s].name}, ${categories[i]}: ${NUMBER.format(rows[s][i])}`);
  const marks = { bar: bars, line: curves, area: curves }[chart.type] ?? bars;

  function bars() {
    const group = Math.min(band * 0.72, 34 * series.length);
    const each = group / series.length;
    return rows.map((row, s) =>
      row.map((value, i) => {
        const height = Math.abs(y(value) - y(0));
        return svg(
          "rect",
          {
            x: x(i) - group / 2 + s * each + 1,
            y: Math.min(y(value), y(0)),
            width: Math.max(each - 2, 1),
            height: Math.max(height, 0.5),
            rx: Math.min(3, each / 4),
            fill: colour(s),
          },
          title(s, i),
        );
      }),
    );
  }

  function curves() {
    return rows.map((row, s) => {
      const points = row.map((value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`);
      return [
        chart.type === "area" &&
          points.length > 0 &&
          svg("path", {
            d: `M${x(0)},${y(0)}L${points.join("L")}L${x(row.length - 1)},${y(0)}Z`,
            fill: colour(s),
            "fill-opacity": "0.18",
          }),
        svg("path", {
          d: `M${points.join("L")}`,
          fill: "none",
          stroke: colour(s),
          "stroke-width": "2.25",
          "stroke-linejoin": "round",
          "stroke-linecap": "round",
        }),
        row.map((value, i) =>
          svg(
            "circle",
            { cx: x(i), cy: y(value), r: row.length > 14 ? 2 : 3.2, fill: colour(s), class: "chart-point" },
            title(s, i),
          ),
        ),
      ];
    });
  }

  const config = chart.axis_config ?? {};
  return {
    drawing: svg(
      "svg",
      {
        viewBox: `0 0 ${width} ${HEIGHT}`,
        class: "chart-svg",
        "aria-hidden": "true",
        preserveAspectRatio: "xMidYMid meet",
      },
      axes(ticks, y, categories, x, width),
      marks(),
    ),
    legend: series.map((one, i) => [one.name, i, null]),
    rows: [
      ["", ...series.map((one) => one.name)],
      ...categories.map((name, i) => [name, ...rows.map((row) => NUMBER.format(row[i]))]),
    ],
    labels: [config.y_label && `↑ ${config.y_label}`, config.x_label && `→ ${config.x_label}`].filter(Boolean),
  };
}

function pie(chart) {
  const segments = (chart.segments ?? []).map((one) => ({ label: one.label, value: Math.max(0, finite(one.value)) }));
  const total = segments.reduce((sum, one) => sum + one.value, 0) || 1;
  const radius = 70;
  const around = 2 * Math.PI * radius;
  let turned = 0;
  const rings = segments.map((one, i) => {
    const share = one.value / total;
    const ring = svg(
      "circle",
      {
        cx: 100,
        cy: 100,
        r: radius,
        fill: "none",
        stroke: colour(i),
        "stroke-width": 38,
        "stroke-dasharray": `${Math.max(share * around - 1.5, 0.5)} ${around}`,
        "stroke-dashoffset": -turned * around,
        transform: "rotate(-90 100 100)",
      },
      svg("title", {}, `${one.label}: ${NUMBER.format(one.value)}`),
    );
    turned += share;
    return ring;
  });
  const percent = (one) => `${Math.round((one.value / total) * 100)} %`;
  return {
    drawing: svg("svg", { viewBox: "0 0 200 200", class: "chart-svg chart-svg--pie", "aria-hidden": "true" }, rings),
    legend: segments.map((one, i) => [one.label, i, `${NUMBER.format(one.value)} · ${percent(one)}`]),
    rows: [["", "Value", "Share"], ...segments.map((one) => [one.label, NUMBER.format(one.value), percent(one)])],
    labels: [],
  };
}

/** Draws again when there is more or less room, so that the words keep their size. */
function fitted(source, first) {
  const room = h("div", { class: "chart-room" }, first);
  let drawn = WIDTH;
  new ResizeObserver(([entry]) => {
    const width = Math.max(LEAST, Math.round(entry.contentRect.width));
    if (Math.abs(width - drawn) < 8) return;
    drawn = width;
    room.replaceChildren(plot(source, width).drawing);
  }).observe(room);
  return room;
}

export function chart(block) {
  const source = block.chart ?? {};
  const isPie = source.type === "pie";
  const { drawing, legend, rows, labels } = isPie ? pie(source) : plot(source, WIDTH);
  const [head, ...body] = rows;
  return h(
    "figure",
    { class: ["chart", isPie && "chart--pie"] },
    h(
      "figcaption",
      { class: "chart-title" },
      h("strong", {}, block.title ?? "Chart"),
      labels.length > 0 && h("small", {}, labels.join("   ")),
    ),
    isPie ? drawing : fitted(source, drawing),
    h(
      "ul",
      { class: "legend", "aria-hidden": "true" },
      legend.map(([name, i, value]) =>
        h("li", {}, h("i", { vars: { "--swatch": colour(i) } }), h("span", {}, name), value && h("small", {}, value)),
      ),
    ),
    h(
      "table",
      { class: "visually-hidden" },
      h("caption", {}, block.title ?? "Chart"),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          head.map((cell) => h("th", { scope: "col" }, cell)),
        ),
      ),
      h(
        "tbody",
        {},
        body.map(([name, ...values]) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, name),
            values.map((value) => h("td", {}, value)),
          ),
        ),
      ),
    ),
  );
}
