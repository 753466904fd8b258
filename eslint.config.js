// Rules for the script of the report's page: plain modules in a browser, nothing unused, nothing undefined.
const BROWSER = ["document", "window", "location", "history", "performance", "setTimeout", "clearTimeout", "matchMedia", "addEventListener",
  "URLSearchParams", "console", "innerWidth", "scrollX", "scrollY", "atob", "Blob", "DecompressionStream", "Response", "Event",
  "HTMLTemplateElement", "HTMLDetailsElement", "ResizeObserver", "URL", "XMLSerializer"];

module.exports = [
  {
    files: ["workflow/secondline/report/page/script/**/*.js"],
    languageOptions: {
      ecmaVersion: 2024,
      sourceType: "module",
      globals: Object.fromEntries(BROWSER.map(name => [name, "readonly"])),
    },
    linterOptions: {reportUnusedDisableDirectives: "error"},
    rules: {
      "consistent-return": "error", "eqeqeq": "error", "max-lines": ["error", 299], "no-const-assign": "error", "no-dupe-keys": "error",
      "no-fallthrough": "error", "no-implicit-globals": "error", "no-param-reassign": "off", "no-redeclare": "error",
      "no-self-assign": "error", "no-undef": "error", "no-unreachable": "error", "no-unused-expressions": "error",
      "no-unused-vars": ["error", {varsIgnorePattern: "^_", argsIgnorePattern: "^_"}], "no-use-before-define": ["error", {functions: false, classes: false, variables: false}],
      "no-var": "error", "object-shorthand": "error", "prefer-const": "error", "use-isnan": "error", "valid-typeof": "error",
    },
  },
];
