// Older messages of a long talk: asked for when the reader comes near them, all of them for the
// browser's own search. Without this file the same link opens a page that begins earlier.
(() => {
  "use strict";
  const $ = (selector) => document.querySelector(selector);
  const on = (type, handler, capture) => document.addEventListener(type, handler, capture);
  const list = () => $("#messages");

  let asking = null;
  const load = (all = false) => (asking ??= ask(all).finally(() => { asking = null; watch(); }));
  const ask = async (all) => {
    const link = $("#earlier"), first = $("#messages .message");
    if (!link || !first) return;
    const query = new URLSearchParams({ before: first.id.slice(1) });
    if (all) query.set("all", "");
    try {
      const answer = await fetch(`${link.dataset.from}?${query}`);
      if (answer.status !== 200 || answer.redirected) return;
      const html = await answer.text();
      if (link.isConnected && first.isConnected) put(link, first, html);
    } catch {
      // offline: the next look will ask again
    }
  };

  // What is read stays where it is: browsers that anchor scrolling by themselves are told not to.
  const put = (link, first, html) => {
    const top = first.getBoundingClientRect().top;
    const focused = document.activeElement === link;
    list().style.overflowAnchor = "none";
    const holder = document.createElement("template");
    holder.innerHTML = html;
    const come = [...holder.content.children];
    link.replaceWith(holder.content);
    for (const element of come) htmx.process(element);
    list().scrollTop += first.getBoundingClientRect().top - top;
    if (focused) ($("#earlier") ?? list()).focus({ preventScroll: true });
    document.dispatchEvent(new CustomEvent("earlier"));
    requestAnimationFrame(() => { list().style.overflowAnchor = ""; });
  };

  // --- When: the reader is within a screen or two of them

  let near, watched;
  const watch = () => {
    const link = $("#earlier");
    if (link === watched) return;
    near?.disconnect();
    watched = link;
    if (!link) return;
    near = new IntersectionObserver((seen) => seen.some((it) => it.isIntersecting) && load(), {
      root: list(), rootMargin: "1600px 0px 0px 0px",
    });
    near.observe(link);
  };
  on("htmx:wsAfterMessage", watch);
  on("htmx:afterSettle", watch);

  on("click", (event) => {
    if (!event.target.closest("#earlier") || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    load();
  });
  on("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "f") load(true);
  });

  // --- An address that names a message which is not here yet

  const find = () => {
    const pk = /^#m(\d+)$/.exec(location.hash)?.[1];
    if (pk && $("#earlier") && !document.getElementById(`m${pk}`)) location.replace(`${location.pathname}?from=${pk}#m${pk}`);
  };
  addEventListener("hashchange", find);
  if (!new URLSearchParams(location.search).has("from")) find();

  watch();
})();
