// Finished blocks of code, once a reader comes near them: wrapping for those with long lines, and a
// "code-block" event for diagrams, whose script comes with the first of them. Blocks that are still
// being written are left alone.
(() => {
  "use strict";
  const EVERY_MS = 500;
  const seen = new WeakSet();
  const codes = document.getElementsByClassName("code");

  const watcher = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      watcher.unobserve(target);
      offerWrap(target);
      if (target.querySelector(".language")?.textContent === "mermaid") offerDrawing(target);
    }
  }, { rootMargin: "600px", scrollMargin: "600px" });
  const offerWrap = (figure) => {
    const pre = figure.querySelector("pre");
    if (pre.scrollWidth <= pre.clientWidth || figure.querySelector(".wrap")) return;
    const button = Object.assign(document.createElement("button"), { type: "button", className: "wrap", textContent: "Wrap" });
    button.setAttribute("aria-pressed", "false");
    figure.querySelector(".copy").before(button);
  };
  const { diagrams, draws } = document.body.dataset;
  let drawing = null;
  const offerDrawing = async (figure) => {
    if (!diagrams) return;
    drawing ??= new Promise((done) => {
      document.head.append(Object.assign(document.createElement("script"), { src: draws, onload: done }));
    });
    await drawing;
    figure.dispatchEvent(new CustomEvent("code-block", { bubbles: true }));
  };
  document.addEventListener("click", ({ target }) => {
    const button = target.closest?.("figure.code .wrap");
    if (button) button.setAttribute("aria-pressed", button.closest("figure").classList.toggle("wrapped"));
  });

  let timer = 0;
  const look = () => {
    timer = 0;
    for (const figure of codes) {
      if (figure.localName !== "figure" || seen.has(figure) || figure.closest(".open")) continue;
      seen.add(figure);
      watcher.observe(figure);
    }
  };
  const lookSoon = () => { timer ||= setTimeout(look, EVERY_MS); };
  for (const type of ["htmx:wsAfterMessage", "htmx:afterSettle", "arrived", "earlier"]) document.addEventListener(type, lookSoon);
  look();
})();
