// An answer that has ended well: its finished blocks are what was stored, so they stay where they are,
// and only what is new comes (chat/_ended.html). The count of blocks tells whether that is so; a tab
// that has not exactly these asks anew, and is given the whole answer.
(() => {
  "use strict";
  const $ = (selector, root) => root.querySelector(selector);
  const GROWING = ":scope > :is(.waiting, .pictures, noscript, .foot)"; // what only a growing one has
  document.addEventListener("htmx:oobBeforeSwap", ({ target: article, detail }) => {
    const { blocks, state } = detail.fragment.dataset ?? {};
    if (!blocks) return;
    const end = detail.fragment, done = $(":scope > .markdown > .done", article);
    detail.shouldSwap = false;
    if (!done || article.dataset.state === state) return; // it is here as a whole
    const rest = $(":scope > .markdown", end);
    if (done.childElementCount + rest.childElementCount !== Number(blocks)) {
      setTimeout(() => dispatchEvent(new Event("online"))); // app.js connects anew
      return;
    }
    done.append(...rest.childNodes);
    rest.remove();
    done.nextElementSibling.remove(); // the open block
    const thought = $(":scope > .reasoning", article), gist = $(":scope > .gist", end);
    if (gist) $(".gist", thought).replaceWith(gist);
    else thought.remove();
    for (const part of article.querySelectorAll(GROWING)) part.remove();
    article.dataset.state = state;
    detail.shouldSwap = true; // what is left of it goes below
  });
})();
