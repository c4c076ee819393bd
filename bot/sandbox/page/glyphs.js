/** Simple drawings for the commonest emoji, used where the reader's system has no colour emoji font. */

import { svg } from "./dom.js";

const INK = "#4a3b12";
const SKIN = "#f2c14e";
const disc = (fill) => [["circle", { cx: 10, cy: 10, r: 7.5, fill }]];
const square = (fill) => [["rect", { x: 2.5, y: 2.5, width: 15, height: 15, rx: 2.5, fill }]];
const line = (d, stroke = "#fff", width = 2) => [
  "path",
  { d, fill: "none", stroke, "stroke-width": width, "stroke-linecap": "round", "stroke-linejoin": "round" },
];
const shape = (d, fill) => ["path", { d, fill, "stroke-linejoin": "round" }];
const THUMB = [
  shape("M3 9.5h3v7.5H3.8a.8.8 0 0 1-.8-.8z", "#d99e2b"),
  shape("M7 9.3 9.8 3.2c1.7-.2 2.6 1 2.3 2.5l-.5 2.6h4.1c1 0 1.7.9 1.5 1.8l-1.1 5.3c-.2.9-.9 1.6-1.9 1.6H7z", SKIN),
];

const GLYPHS = {
  red_circle: disc("#d64541"),
  large_orange_circle: disc("#e78a2e"),
  large_yellow_circle: disc("#e6b93a"),
  large_green_circle: disc("#4c9a56"),
  large_blue_circle: disc("#3f7cc4"),
  white_circle: [["circle", { cx: 10, cy: 10, r: 7, fill: "#f4f1ea", stroke: "#b9b1a2", "stroke-width": 1 }]],
  black_circle: disc("#33322f"),
  large_red_square: square("#d64541"),
  large_orange_square: square("#e78a2e"),
  large_yellow_square: square("#e6b93a"),
  large_green_square: square("#4c9a56"),
  large_blue_square: square("#3f7cc4"),
  white_check_mark: [...square("#4c9a56"), line("M6 10.3 8.8 13 14 7")],
  heavy_check_mark: [line("M4 11 8.2 15 16 5.5", "#4c9a56", 2.6)],
  x: [line("M5 5l10 10M15 5 5 15", "#d64541", 3)],
  no_entry: [...disc("#d64541"), line("M6 10h8", "#fff", 2.6)],
  warning: [shape("M10 2.5 18.5 17h-17z", "#e6b93a"), line("M10 8v4M10 14.6h.01", INK, 1.8)],
  rotating_light: [
    shape("M5 14v-3.5a5 5 0 0 1 10 0V14z", "#d64541"),
    ["rect", { x: 3.5, y: 14, width: 13, height: 3, rx: 1, fill: "#8d8577" }],
    line("M10 1.5v1.8M3 4.5l1.3 1.2M17 4.5l-1.3 1.2", "#d64541", 1.4),
  ],
  bell: [
    shape("M10 3a5 5 0 0 0-5 5v3.5L3.5 14h13L15 11.5V8a5 5 0 0 0-5-5z", SKIN),
    shape("M8 15h4a2 2 0 0 1-4 0z", "#d99e2b"),
  ],
  eyes: [6.2, 13.8].flatMap((cx) => [
    ["ellipse", { cx, cy: 10, rx: 3.4, ry: 5, fill: "#fff", stroke: "#8d8577", "stroke-width": 0.8 }],
    ["circle", { cx: cx - 0.9, cy: 10.8, r: 1.9, fill: "#33322f" }],
  ]),
  "+1": THUMB,
  "-1": [["g", { transform: "rotate(180 10 10)" }, THUMB]],
  tada: [
    shape("M3 17 7.2 6.5l6.3 6.3z", "#e6b93a"),
    line("M9 4.5c0-1.5 1.5-1.5 1.5-3M13.5 7c1-2 2.5-.5 3.5-2.5M15.5 11.5c1.2-.8 1.8.4 3 0", "#b8524b", 1.3),
    ["circle", { cx: 13, cy: 3.4, r: 1, fill: "#3f7cc4" }],
    ["circle", { cx: 17, cy: 8.6, r: 1, fill: "#4c9a56" }],
  ],
  heart: [shape("M10 17S2.5 12.5 2.5 7.5A4 4 0 0 1 10 5.6a4 4 0 0 1 7.5 1.9C17.5 12.5 10 17 10 17z", "#d64541")],
  fire: [
    shape(
      "M10.5 1.5c.5 3-3.5 4.5-4.5 8.5a5.5 5.5 0 1 0 10 1.5c-.3-1.5-1-2.5-1-2.5s-.5 1.5-1.5 1.5c0-4-1.5-7-3-9z",
      "#e78a2e",
    ),
    shape("M10 9.5c0 2-2 2.5-2 4.7a2.4 2.4 0 1 0 4.6-.6c-.5-1.6-2-2-2.6-4.1z", "#f5d469"),
  ],
  zap: [shape("M11.5 1.5 4 11.5h4.5L8 18.5l8-10.5h-5z", "#e6b93a")],
  star: [shape("m10 2 2.4 5.2 5.6.6-4.2 3.8 1.2 5.6-5-2.9-5 2.9 1.2-5.6L2 7.8l5.6-.6z", "#e6b93a")],
  bulb: [
    shape("M10 2.5a5 5 0 0 0-3 9c.7.6 1 1.2 1 2h4c0-.8.3-1.4 1-2a5 5 0 0 0-3-9z", "#f5d469"),
    line("M8.3 15.5h3.4M8.8 17.5h2.4", "#8d8577", 1.4),
  ],
  hourglass: [
    shape("M6 4h8c0 3-3 4.5-3 6s3 3 3 6H6c0-3 3-4.5 3-6S6 7 6 4z", "#f5d469"),
    line("M5 3.5h10M5 16.5h10", "#8d8577", 1.8),
  ],
  wrench: [line("M5 15l6-6", "#8d8577", 3), shape("M16.5 5.5 14 8l-2-2 2.5-2.5A4 4 0 1 0 16.5 5.5z", "#8d8577")],
  rocket: [
    shape("M10 2c3 2 4 5 4 8l2.5 3.5H13l-1 2H8l-1-2H3.5L6 10c0-3 1-6 4-8z", "#8fa6bd"),
    ["circle", { cx: 10, cy: 8, r: 1.8, fill: "#3f7cc4" }],
    shape("M8.7 16h2.6L10 19z", "#e78a2e"),
  ],
  chart_with_upwards_trend: [...square("#f4f1ea"), line("M4.5 14 8 10l2.5 2L15.5 6", "#d64541", 1.8)],
  chart_with_downwards_trend: [...square("#f4f1ea"), line("M4.5 6 8 10l2.5-2 5 6", "#3f7cc4", 1.8)],
  smile: [
    ["circle", { cx: 10, cy: 10, r: 7.5, fill: SKIN }],
    line("M7.3 8h.01M12.7 8h.01", INK, 2),
    line("M6.5 11.5a4 4 0 0 0 7 0", INK, 1.5),
  ],
  cry: [
    ["circle", { cx: 10, cy: 10, r: 7.5, fill: SKIN }],
    line("M7.3 8h.01M12.7 8h.01", INK, 2),
    line("M7 14a4 4 0 0 1 6 0", INK, 1.5),
    shape("M14 10c1.5 2 1.5 3.5 0 3.5s-1.5-1.5 0-3.5z", "#3f7cc4"),
  ],
};
const SAME = {
  thumbsup: "+1",
  thumbsdown: "-1",
  hourglass_flowing_sand: "hourglass",
  hammer_and_wrench: "wrench",
  smiley: "smile",
  slightly_smiling_face: "smile",
  heavy_multiplication_x: "x",
};

const build = ([tag, props, children = []]) => svg(tag, props, children.map(build));

/** The drawing of a shortcode, or null. */
export function glyph(name) {
  const parts = GLYPHS[SAME[name] ?? name];
  return parts ? svg("svg", { class: "glyph", viewBox: "0 0 20 20", "aria-hidden": "true" }, parts.map(build)) : null;
}

let colour = null;
/** Whether this system draws emoji in colour: found by drawing a red disc once and looking at it. */
export function systemHasEmoji() {
  if (colour !== null) return colour;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 24;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.font = "20px sans-serif";
  pen.textBaseline = "top";
  pen.fillText("\u{1F534}", 0, 0);
  const { data } = pen.getImageData(0, 0, 24, 24);
  colour = false;
  for (let at = 0; at < data.length; at += 4) if (data[at] > data[at + 1] + 60 && data[at + 3] > 120) colour = true;
  return colour;
}
