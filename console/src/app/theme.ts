export type Theme = "system" | "light" | "dark";

const KEY = "herald.theme";
const dark = () => window.matchMedia("(prefers-color-scheme: dark)");

export function storedTheme(): Theme {
  const text = window.localStorage.getItem(KEY);
  return text === "light" || text === "dark" ? text : "system";
}

let chosen: Theme = "system";

/** Sets the page's theme; `system` follows the system while the page is open. */
export function applyTheme(theme: Theme): void {
  chosen = theme;
  const shown = theme === "system" ? (dark().matches ? "dark" : "light") : theme;
  document.documentElement.dataset["theme"] = shown;
  window.localStorage.setItem(KEY, theme);
}

dark().addEventListener("change", () => applyTheme(chosen));
