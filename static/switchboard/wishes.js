// How to answer: the page behind the button, opened as a panel; and the dial in the picker.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const on = (type, handler, capture) => document.addEventListener(type, handler, capture);

  on("click", async (event) => {
    const button = event.target.closest("#wishes-button");
    if (!button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const panel = $("#wishes-panel");
    const values = { model: $("#picker :checked")?.value ?? "" }; // what it cannot do is not offered
    await htmx.ajax("GET", button.getAttribute("href"), { target: panel, swap: "innerHTML", values });
    if (!panel.firstElementChild) return;
    panel.showPopover();
    $("select", panel)?.focus();
  });
  on("wishes-kept", () => {
    $("#wishes-panel").hidePopover();
    $("#wishes-button").focus();
  });

  // A dial that nobody has touched is the policy's, and is not sent.
  on("input", ({ target }) => {
    if (target.matches(".dial input")) target.name = "dial";
  });
})();
