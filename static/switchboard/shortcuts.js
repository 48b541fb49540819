// Shortcuts, all with Ctrl or Cmd but two; the sheet behind "?" lists them and turns them off.
// A letter is the one that is written on the key; where the keyboard has other letters, its place.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const body = document.body;
  const wide = matchMedia("(width >= 52rem)");
  const tell = (text) => { $("#announce").textContent = text; };

  // --- What they do

  const last = (selector) => [...document.querySelectorAll(`#messages ${selector}`)].pop();
  const copyLast = (selector, what) => {
    const button = last(selector);
    button?.click();
    tell(button ? `The last ${what} is copied.` : `There is no ${what} yet.`);
  };
  const setSidebar = (value) => {
    document.dispatchEvent(new CustomEvent("choose-reading", { detail: { name: "sidebar", value } }));
  };
  const toggleSidebar = () => {
    const sidebar = $("#sidebar");
    if (!wide.matches) return sidebar.togglePopover();
    const closes = body.dataset.sidebar !== "closed";
    const focused = sidebar.contains(document.activeElement);
    setSidebar(closes ? "closed" : "open");
    if (closes && focused) $("#prompt").focus();
  };
  const WITH_SHIFT = {
    o: () => $(".new-chat").click(),
    s: toggleSidebar,
    c: () => copyLast(".copy-message", "answer"),
    ";": () => copyLast("figure.code .copy", "code"),
  };
  const WITHOUT = { k: () => $(".search-open").click() };

  // --- Which key it was

  const PLACES = { Semicolon: ";", Slash: "/" };
  const nameOf = ({ key, code }) => {
    if (/^[a-z;/]$/i.test(key)) return key.toLowerCase();
    return PLACES[code] ?? (/^Key[A-Z]$/.test(code) ? code.at(-1).toLowerCase() : "");
  };
  const isTop = () => !$("dialog[open], [popover]:popover-open:not(#toasts)");
  const wanted = (event) => {
    const { key, ctrlKey, metaKey, shiftKey, altKey } = event;
    if (key === "Escape" && !ctrlKey && !metaKey && !altKey) {
      if (shiftKey) return () => $("#prompt").focus();
      const halts = event.target.id === "prompt" && isTop() && !$(".halt").hidden;
      return halts ? () => $(".halt").click() : null;
    }
    if (ctrlKey === metaKey || altKey) return null;
    const name = nameOf(event);
    if (name === "/") return () => $(".help-open").click();
    return (shiftKey ? WITH_SHIFT : WITHOUT)[name];
  };
  document.addEventListener("keydown", (event) => {
    if (body.dataset.shortcuts === "off" || event.isComposing || event.keyCode === 229) return;
    const act = wanted(event);
    if (!act || event.defaultPrevented) return;
    event.preventDefault();
    if (!event.repeat) act();
  });

  // --- The list of conversations beside the page: put away and brought back by its buttons, too

  document.addEventListener("click", (event) => {
    const button = wide.matches && event.target.closest?.('[popovertarget="sidebar"]');
    if (!button) return;
    event.preventDefault();
    toggleSidebar();
    $(body.dataset.sidebar === "closed" ? '.topbar [popovertarget="sidebar"]' : ".sidebar-head button").focus();
  }, true);
})();
