/** Light, dark, or as the system says; the choice is remembered in this browser. */

const KEY = "workspace.theme";
const DARK = matchMedia("(prefers-color-scheme: dark)");
export const CHOICES = ["auto", "light", "dark"];

export function choice() {
  const kept = localStorage.getItem(KEY);
  return CHOICES.includes(kept) ? kept : "auto";
}

export function wear() {
  const theme = choice() === "auto" ? (DARK.matches ? "dark" : "light") : choice();
  document.documentElement.dataset.theme = theme;
}

export function choose(theme) {
  localStorage.setItem(KEY, theme);
  wear();
}

DARK.addEventListener("change", wear);
wear();
