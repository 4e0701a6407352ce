"use strict";

const js = require("@eslint/js");

const names = (...list) => Object.fromEntries(list.map((name) => [name, "readonly"]));

module.exports = [
  { ignores: ["vendor/"] },
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2022, sourceType: "script" },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "no-shadow": "error",
      "no-var": "error",
      "prefer-const": "error",
      curly: ["error", "multi-line"],
      eqeqeq: "error",
      strict: ["error", "global"],
    },
  },
  {
    files: ["page/*.js"],
    languageOptions: {
      globals: names(
        "AbortController", "Blob", "Image", "OpenSeadragon", "URL", "URLSearchParams", "addEventListener", "atob", "clearTimeout",
        "createImageBitmap", "document", "fetch", "getComputedStyle", "globalThis", "history", "localStorage", "location", "matchMedia", "navigator", "performance",
        "requestAnimationFrame", "setTimeout", "tileframe",
      ),
    },
    rules: {
      // Whatever the record says goes in as text.
      "no-restricted-properties": ["error", ...["innerHTML", "outerHTML", "insertAdjacentHTML"].map((property) => ({ property }))],
    },
  },
  { files: ["eslint.config.js", "page_tests/*.js"], languageOptions: { sourceType: "commonjs", globals: names("Buffer", "globalThis", "module", "require") } },
];
