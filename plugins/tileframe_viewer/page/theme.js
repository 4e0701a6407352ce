"use strict";
// Light or dark: as the system has it, until the reader says otherwise.

(globalThis.tileframe ??= {}).theme = (() => {
  const KEY = "tileframe-theme";

  function kept() {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // storage may be forbidden, of files above all
    }
  }

  function isDark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  /** Take what was chosen on an earlier visit. */
  function restore() {
    const theme = kept();
    if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
  }

  /** Change from one to the other, and keep that. */
  function toggle() {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // It holds for this visit.
    }
  }

  return { restore, toggle };
})();
