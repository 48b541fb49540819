// A growing answer: its strokes are put in their places as htmx would, for a third of the work.
// Only frames of nothing but strokes are taken; whatever else comes is left to htmx. The last
// script of the bundle: who listens to the frame before it is drawn has been told by then. Twenty come
// each second, so those who listen are told that no message came, ended or went (`isGrowth`): to look
// for that, they would walk through all that stands on the page.
(() => {
  "use strict";
  const HOW = /^(beforeend|innerHTML):#(m\d+-(?:done|open|tail|think))$/;
  document.addEventListener("htmx:wsBeforeMessage", (event) => {
    const { message } = event.detail;
    if (event.defaultPrevented || !message.startsWith('<div hx-swap-oob="')) return;
    const holder = document.createElement("template");
    holder.innerHTML = message;
    const strokes = [...holder.content.children].map((it) => [HOW.exec(it.getAttribute("hx-swap-oob")), it]);
    if (!strokes.every(([how]) => how)) return;
    event.preventDefault();
    for (const [[, how, id], stroke] of strokes) {
      const place = document.getElementById(id);
      if (how === "innerHTML") place?.replaceChildren(...stroke.childNodes);
      else place?.append(...stroke.childNodes);
    }
    htmx.trigger(event.target, "htmx:wsAfterMessage", { ...event.detail, isGrowth: true });
  });
})();
