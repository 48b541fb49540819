// While an answer comes: what its reasoning is at, and whether the server is still there.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const on = (type, handler, capture) => document.addEventListener(type, handler, capture);
  const SILENT_MS = 20_000;

  // --- Reasoning: one line of what it is at, and for how long

  const began = new Map(); // the id of a reasoning → when its first words were seen
  let looking = 0;

  const gistOf = (text) => {
    const lines = text.slice(-600).split("\n").map((line) => line.replace(/[*#`_>]/g, "").trim()).filter(Boolean);
    const last = lines.at(-1) ?? "";
    return last.length > 90 ? `…${last.slice(-88)}` : last;
  };
  const look = () => {
    looking = 0;
    for (const part of document.querySelectorAll('[data-state="streaming"] > .reasoning')) {
      const text = $(".think", part).textContent;
      if (!text) continue;
      if (!began.has(part.id)) began.set(part.id, Date.now());
      const seconds = Math.round((Date.now() - began.get(part.id)) / 1000);
      const answering = $(".markdown", part.parentElement).textContent.trim();
      if (answering && part.dataset.over) continue;
      part.dataset.over = answering ? "1" : "";
      $(".gist", part).textContent = answering ? `Thought for ${seconds} s` : `Thinking for ${seconds} s · ${gistOf(text)}`;
    }
  };
  const lookSoon = () => { looking ||= setTimeout(look, 400); };

  // What a reader has opened stays open when the answer is drawn whole.
  let opened = [];
  on("htmx:wsBeforeMessage", ({ detail }) => {
    opened = !detail.message.includes("<article") ? [] : [...document.querySelectorAll("#live .reasoning[open]")].map((part) => part.parentElement.id);
  });
  on("htmx:wsAfterMessage", () => {
    for (const id of opened) document.getElementById(id)?.querySelector(":scope > .reasoning")?.setAttribute("open", "");
  });

  // --- The watchdog: after a silence the server is asked how things stand

  let watchdog = 0;
  const running = () => $('#live [data-state="streaming"], #live [data-state="queued"]');
  const watch = (isRunning = Boolean(running())) => {
    clearTimeout(watchdog);
    watchdog = isRunning ? setTimeout(ask, SILENT_MS) : 0;
  };
  const ask = () => {
    watchdog = setTimeout(ask, SILENT_MS);
    const waiting = $(".waiting", running() ?? document);
    dispatchEvent(new Event("online")); // app.js connects anew, and is given how things stand
    if (waiting) waiting.dataset.silent = "1";
  };
  on("htmx:wsAfterMessage", ({ detail }) => { watch(detail.isGrowth); lookSoon(); });
  on("htmx:afterRequest", () => watch());
  on("arrived", () => { watch(); lookSoon(); });
})();
