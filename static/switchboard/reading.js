// How one person reads in this browser: shortcuts, following, announcements, long lines of code.
// Kept here, shown on the body as data-…, where styles and the other files look. The sheet that
// sets it is made of fields named data-reading="…"; it may be swapped in at any time.
(() => {
  "use strict";
  const body = document.body;
  const USUAL = { shortcuts: "on", follow: "on", wrap: "off", announce: "ready", sidebar: "open" };
  const key = `reading:${body.dataset.user ?? ""}`;
  let chosen = {};

  const load = () => {
    try { chosen = JSON.parse(localStorage.getItem(key)) ?? {}; } catch { /* then it holds for this page */ }
  };
  const show = () => {
    for (const [name, usual] of Object.entries(USUAL)) body.dataset[name] = String(chosen[name] ?? usual);
    for (const field of document.querySelectorAll("[data-reading]")) {
      const value = body.dataset[field.dataset.reading];
      field.checked = field.type === "radio" ? field.value === value : value === "on";
    }
  };
  const choose = (name, value) => {
    chosen[name] = value;
    try { localStorage.setItem(key, JSON.stringify(chosen)); } catch { /* as above */ }
    show();
    document.dispatchEvent(new CustomEvent("reading", { detail: name }));
  };

  document.addEventListener("choose-reading", ({ detail: { name, value } }) => choose(name, value));
  document.addEventListener("change", ({ target }) => {
    const name = target.dataset?.reading;
    if (name) choose(name, target.type === "radio" ? target.value : target.checked ? "on" : "off");
  });
  document.addEventListener("htmx:afterSwap", ({ detail }) => detail.target?.id === "sheet" && show());
  addEventListener("storage", (event) => {
    if (event.key !== key) return;
    load();
    show();
  });
  if (/Mac|iP/.test(navigator.platform)) body.dataset.keys = "mac";
  load();
  show();
})();
