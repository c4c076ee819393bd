/** The common shortcodes, so that messages and reactions read as people expect; others stay as they are written. */

import { glyph, systemHasEmoji } from "./glyphs.js";

const TABLE = `
+1 👍|thumbsup 👍|-1 👎|thumbsdown 👎|ok_hand 👌|clap 👏|raised_hands 🙌|pray 🙏|wave 👋|muscle 💪|point_right 👉|point_up ☝️
eyes 👀|heart ❤️|yellow_heart 💛|green_heart 💚|blue_heart 💙|fire 🔥|tada 🎉|sparkles ✨|star ⭐|100 💯|rocket 🚀|bulb 💡
smile 😄|smiley 😃|grinning 😀|slightly_smiling_face 🙂|wink 😉|joy 😂|sweat_smile 😅|thinking_face 🤔|thinking 🤔|neutral_face 😐
cry 😢|sob 😭|scream 😱|sunglasses 😎|sleeping 😴|facepalm 🤦|shrug 🤷|robot_face 🤖|robot 🤖|ghost 👻|skull 💀|saluting_face 🫡
white_check_mark ✅|heavy_check_mark ✔️|ballot_box_with_check ☑️|x ❌|no_entry ⛔|no_entry_sign 🚫|warning ⚠️|rotating_light 🚨
red_circle 🔴|large_orange_circle 🟠|large_yellow_circle 🟡|large_green_circle 🟢|large_blue_circle 🔵|white_circle ⚪|black_circle ⚫
large_red_square 🟥|large_orange_square 🟧|large_yellow_square 🟨|large_green_square 🟩|large_blue_square 🟦
bell 🔔|no_bell 🔕|mega 📣|loudspeaker 📢|speech_balloon 💬|email 📧|envelope ✉️|telephone_receiver 📞|pager 📟|phone ☎️
hourglass ⌛|hourglass_flowing_sand ⏳|stopwatch ⏱️|alarm_clock ⏰|clock1 🕐|calendar 📅|date 📅|spiral_calendar_pad 🗓️
chart_with_upwards_trend 📈|chart_with_downwards_trend 📉|bar_chart 📊|moneybag 💰|money_with_wings 💸|dollar 💵|credit_card 💳
wrench 🔧|hammer_and_wrench 🛠️|gear ⚙️|nut_and_bolt 🔩|toolbox 🧰|electric_plug 🔌|battery 🔋|computer 💻|satellite 🛰️|package 📦
lock 🔒|unlock 🔓|key 🔑|shield 🛡️|mag 🔍|link 🔗|pushpin 📌|round_pushpin 📍|paperclip 📎|memo 📝|pencil ✏️|pencil2 ✏️|clipboard 📋
page_facing_up 📄|file_folder 📁|books 📚|book 📖|bookmark 🔖|label 🏷️|inbox_tray 📥|outbox_tray 📤|wastebasket 🗑️|camera 📷
arrow_right ➡️|arrow_left ⬅️|arrow_up ⬆️|arrow_down ⬇️|arrows_counterclockwise 🔄|leftwards_arrow_with_hook ↩️|rewind ⏪|fast_forward ⏩
arrow_forward ▶️|double_vertical_bar ⏸️|black_square_for_stop ⏹️|recycle ♻️|twisted_rightwards_arrows 🔀|repeat 🔁|information_source ℹ️
question ❓|exclamation ❗|heavy_plus_sign ➕|heavy_minus_sign ➖|zap ⚡|boom 💥|collision 💥|sunny ☀️|sun_with_face 🌞|cloud ☁️|rainbow 🌈
thunder_cloud_and_rain ⛈️|umbrella ☔|snowflake ❄️|ocean 🌊|fire_extinguisher 🧯|ambulance 🚑|fire_engine 🚒|construction 🚧|traffic_light 🚥
coffee ☕|beer 🍺|pizza 🍕|cake 🍰|trophy 🏆|medal 🏅|dart 🎯|game_die 🎲|art 🎨|microscope 🔬|test_tube 🧪|dna 🧬|brain 🧠|bug 🐛|turtle 🐢
one 1️⃣|two 2️⃣|three 3️⃣|four 4️⃣|five 5️⃣|es 🇪🇸|us 🇺🇸|gb 🇬🇧|de 🇩🇪|fr 🇫🇷
`;

const BY_NAME = new Map(
  TABLE.trim()
    .split(/[|\n]/u)
    .map((pair) => {
      const at = pair.lastIndexOf(" ");
      return [pair.slice(0, at).trim(), pair.slice(at + 1)];
    }),
);

export const QUICK_REACTIONS = ["white_check_mark", "eyes", "+1"];
const PICKER = [
  "+1",
  "-1",
  "white_check_mark",
  "x",
  "eyes",
  "raised_hands",
  "pray",
  "tada",
  "heart",
  "fire",
  "rocket",
  "clap",
  "thinking_face",
  "smile",
  "joy",
  "cry",
  "scream",
  "saluting_face",
  "rotating_light",
  "warning",
  "bell",
  "hourglass",
  "wrench",
  "bug",
  "chart_with_upwards_trend",
  "chart_with_downwards_trend",
  "coffee",
  "turtle",
  "bulb",
  "zap",
  "100",
  "wave",
];

/** What the reaction picker offers: all that this system can show. */
export const picker = () => PICKER.filter((name) => systemHasEmoji() || glyph(name));

/** Something to look at for a shortcode: the system's emoji, our drawing, or the code itself. */
export function picture(name) {
  const character = emoji(name);
  if (character && systemHasEmoji()) return character;
  return glyph(name) ?? `:${name}:`;
}

/** Characters that are meant as pictures: those that always are, and those that say so by a variation selector. */
const CHARACTER = new Map([...BY_NAME].reverse().map(([name, character]) => [character, name]));
const ANY = new RegExp(
  [...CHARACTER.keys()]
    .filter((one) => /^(?:\p{Emoji_Presentation}|.\uFE0F)/u.test(one))
    .sort((a, b) => b.length - a.length)
    .join("|"),
  "gu",
);

/** Text with its emoji characters drawn where the system has no font for them; else just the text. */
export function drawn(text) {
  if (systemHasEmoji()) return [text];
  const out = [];
  let at = 0;
  for (const found of text.matchAll(ANY)) {
    const node = glyph(CHARACTER.get(found[0]));
    if (!node) continue;
    out.push(text.slice(at, found.index), node);
    at = found.index + found[0].length;
  }
  return [...out, text.slice(at)];
}

/** The character of a shortcode (skin tone suffixes are dropped), or null if it is not one of the common set. */
export function emoji(name) {
  return BY_NAME.get(name) ?? BY_NAME.get(String(name).split("::")[0]) ?? null;
}

export function emojiLike(prefix, limit = 8) {
  return [...BY_NAME].filter(([name]) => name.startsWith(prefix)).slice(0, limit);
}
