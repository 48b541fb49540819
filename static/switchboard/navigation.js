// From one conversation to another without a new page: only #main comes, and takes the place of the
// one that is there. What is unusual is left to the browser, which loads the page as it always could:
// a command still under way, an answer that is not a conversation, an address with more in it.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const on = (type, handler, capture) => document.addEventListener(type, handler, capture);
  const PLACE = /^\/(?:c\/[0-9a-f-]{36}\/)?$/;

  const isPlace = (url) => url.origin === location.origin && PLACE.test(url.pathname) && !url.search && !url.hash;
  const shownPath = () => {
    const pk = $("#main").dataset.conversation;
    return pk ? `/c/${pk}/` : "/";
  };

  let commands = 0; // their answers may still change what is on show
  const isCommand = ({ detail }) => detail.requestConfig?.verb === "post";
  on("htmx:beforeSend", (event) => { if (isCommand(event)) commands += 1; });
  on("htmx:afterRequest", (event) => { if (isCommand(event)) commands = Math.max(0, commands - 1); });

  // --- Going there

  let going = null;
  const go = async (url, pushes) => {
    going?.abort();
    const mine = (going = new AbortController());
    const leave = () => (pushes ? location.assign(url) : location.reload());
    if (commands) return leave();
    document.dispatchEvent(new CustomEvent("leaving"));
    try {
      const headers = { "HX-Request": "true", "HX-Target": "main" };
      const answer = await fetch(url, { headers, signal: mine.signal, cache: "no-store" });
      const html = await answer.text();
      if (mine !== going) return;
      if (!answer.ok || answer.redirected || commands) return leave();
      show(url, html, pushes);
    } catch {
      if (mine !== going) return;
      if (!pushes) return leave();
      $("#notice").textContent = "The server cannot be reached. Try again in a moment.";
    }
  };
  const show = (url, html, pushes) => {
    document.dispatchEvent(new CustomEvent("leaving")); // what was typed in the meantime
    if (pushes && url.pathname !== location.pathname) history.pushState({ main: true }, "", url);
    htmx.swap("#main", html, { swapStyle: "outerHTML", swapDelay: 0, settleDelay: 0 });
    mark();
    $("#sidebar:popover-open")?.hidePopover();
    document.dispatchEvent(new CustomEvent("arrived"));
    $("#announce").textContent = $("#title").textContent;
    // Where the keyboard is real, one goes on writing; a finger would only get a keyboard in the way.
    const place = matchMedia("(pointer: fine)").matches ? $("#prompt") : $("#title");
    if (place.id === "title") place.tabIndex = -1;
    place.focus({ preventScroll: true });
  };
  const mark = () => {
    for (const link of document.querySelectorAll("#sidebar [aria-current]")) link.removeAttribute("aria-current");
    document.getElementById(`e-${$("#main").dataset.conversation}`)?.setAttribute("aria-current", "page");
  };

  // --- When

  on("click", (event) => {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest?.("a[href]");
    if (!link || link.target || link.hasAttribute("download")) return;
    const url = new URL(link.href);
    if (!isPlace(url)) return;
    event.preventDefault();
    if (link.closest("#search")) $("#search").close();
    go(url, true);
  });
  // The browser's own back and forward. htmx would load the page anew.
  addEventListener("popstate", (event) => {
    const url = new URL(location.href);
    if (url.pathname === shownPath()) return event.stopImmediatePropagation(); // only the fragment is another
    event.stopImmediatePropagation();
    if (isPlace(url)) go(url, false);
    else location.reload();
  }, true);
  // A command that leads elsewhere: a fork, something taken back.
  on("htmx:beforeOnLoad", (event) => {
    const to = event.detail.xhr.getResponseHeader("HX-Redirect");
    if (!to || !isPlace(new URL(to, location))) return;
    event.preventDefault();
    if (event.detail.elt.closest("#toasts")) $("#toasts").hidePopover();
    setTimeout(() => go(new URL(to, location), true)); // once the command is over
  });
})();
