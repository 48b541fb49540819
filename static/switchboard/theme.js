// Sets the chosen theme before anything is painted, and works the switch once the page is there.
// "auto" follows the system and is no attribute at all.
(() => {
  const THEMES = ["auto", "light", "dark"];
  const NAMES = { auto: "as the system", light: "light", dark: "dark" };
  const root = document.documentElement;

  const chosen = () => {
    try {
      const theme = localStorage.getItem("theme");
      return THEMES.includes(theme) ? theme : "auto";
    } catch {
      return "auto"; // storage is switched off
    }
  };
  const show = (theme) => {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    for (const button of document.querySelectorAll(".theme")) {
      button.dataset.shows = theme;
      button.title = `Theme: ${NAMES[theme]}`;
      button.setAttribute("aria-label", button.title);
    }
    for (const field of document.querySelectorAll('[name="theme"]')) field.checked = field.value === theme;
  };

  root.classList.add("js"); // what only a script can do is shown only then
  show(chosen());
  document.addEventListener("DOMContentLoaded", () => show(chosen()));
  addEventListener("storage", () => show(chosen()));
  const choose = (theme) => {
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // then it holds for this page
    }
    show(theme);
  };
  document.addEventListener("click", ({ target }) => {
    if (target.closest?.(".theme")) choose(THEMES[(THEMES.indexOf(root.dataset.theme ?? "auto") + 1) % THEMES.length]);
  });
  document.addEventListener("change", ({ target }) => target.name === "theme" && choose(target.value));
  document.addEventListener("htmx:afterSwap", () => show(root.dataset.theme ?? "auto"));
})();
