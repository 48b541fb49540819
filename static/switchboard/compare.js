// Comparing two models: a second chip in the composer, and one Stop for both answers.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const on = (type, handler, capture) => document.addEventListener(type, handler, capture);

  // app.js stops the first running answer; a comparison has another.
  on("click", ({ target }) => {
    if (!target.closest(".halt")) return;
    const [, ...others] = document.querySelectorAll("#live .stop");
    for (const stop of others) stop.click();
  }, true);

  const choose = (value, name) => {
    $("#against").value = value;
    $("#against-name").textContent = name;
    $(".against").hidden = !value;
    $(".compare-with").hidden = Boolean(value);
  };
  on("picked", ({ detail }) => {
    if (detail.for === "against-send") choose(detail.value || "auto", detail.name);
  });
  on("htmx:afterRequest", ({ detail }) => { // one comparison is asked for at a time
    if (detail.requestConfig.elt.id === "composer" && detail.successful) choose("", "");
  });
  on("click", ({ target }) => {
    if (target.closest(".against .drop")) {
      choose("", "");
      $("#prompt").focus();
    } else if (target.closest(".compare-with, .against .name")) {
      document.dispatchEvent(new CustomEvent("pick", { detail: { for: "against-send" } }));
    }
  });
})();
