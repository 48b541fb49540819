// Copying: a block of code, a whole answer, or what a field holds. On every page that shows them.
(() => {
  "use strict";
  const SHOWN_MS = 1600;
  const timers = new WeakMap();

  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea"); // without https
      area.value = text;
      const had = document.activeElement;
      (had?.closest("dialog[open]") ?? document.body).append(area); // a modal dialog lets nothing else be chosen
      area.select();
      document.execCommand("copy");
      area.remove();
      had?.focus({ preventScroll: true });
    }
  };
  const textFor = (button) => {
    if (button.dataset.copy) return document.getElementById(button.dataset.copy).value;
    if (button.matches(".copy-message")) return button.parentElement.querySelector(".source").content.textContent;
    return button.closest("figure").querySelector("pre").textContent;
  };
  document.addEventListener("click", async ({ target }) => {
    const button = target.closest?.("figure.code .copy, .copy-message, [data-copy]");
    if (!button) return;
    const label = button.querySelector("span") ?? button;
    const before = (button.dataset.label ??= label.textContent);
    await copy(textFor(button));
    label.textContent = "Copied";
    button.classList.add("copied");
    clearTimeout(timers.get(button));
    timers.set(button, setTimeout(() => {
      label.textContent = before;
      button.classList.remove("copied");
    }, SHOWN_MS));
  });
})();
