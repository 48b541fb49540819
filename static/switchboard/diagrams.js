// Diagrams: a finished block of mermaid becomes a picture, drawn in a sandboxed frame that comes with
// the first diagram and not before (chat/diagrams.py). What the frame gives back is shown as an image,
// where nothing in it runs or loads. What cannot be drawn stays code, with a note.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const on = (type, handler) => document.addEventListener(type, handler);
  const LONGEST = 20_000, LARGEST = 3_000_000; // letters of source, of picture
  const LOAD_MS = 30_000, DRAW_MS = 10_000;
  const address = document.body.dataset.diagrams;

  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const theme = () => root.dataset.theme ?? (dark.matches ? "dark" : "light");

  // --- The frame: one diagram at a time; one that takes too long ends with its frame

  let frame = null, isReady = false, timer = 0, number = 0, current = null;
  const queue = [];
  const makeFrame = () => {
    frame = document.createElement("iframe");
    frame.className = "diagram-frame";
    frame.setAttribute("sandbox", "allow-scripts");
    frame.setAttribute("aria-hidden", "true");
    frame.tabIndex = -1;
    frame.title = "Draws diagrams";
    frame.src = address;
    document.body.append(frame);
    timer = setTimeout(giveUp, LOAD_MS);
  };
  const next = () => {
    if (current || !queue.length) return;
    if (!frame) return makeFrame();
    if (!isReady) return;
    current = { ...queue.shift(), id: ++number };
    timer = setTimeout(giveUp, DRAW_MS);
    frame.contentWindow.postMessage({ id: current.id, text: current.text, theme: current.theme }, "*"); // it has no origin
  };
  const giveUp = () => {
    frame.remove();
    frame = null;
    isReady = false;
    known.clear();
    if (current) finish({ error: "It takes too long." });
    else for (const waiting of queue.splice(0)) waiting.done({ error: "The drawing library did not come." });
  };
  const finish = (answer) => {
    clearTimeout(timer);
    const { done } = current;
    current = null;
    done(answer);
    next();
  };
  addEventListener("message", ({ source, data }) => {
    if (!frame || source !== frame.contentWindow) return;
    if (data?.isReady) {
      clearTimeout(timer);
      isReady = true;
      next();
    } else if (current && data?.id === current.id) finish(data);
  });

  // --- From source to picture: known ones at once, also when a message is drawn anew

  const known = new Map();
  const pictureOf = (text) => {
    const key = `${theme()} ${text}`;
    if (!known.has(key)) {
      known.set(key, new Promise((done) => {
        queue.push({ text, theme: theme(), done });
        next();
      }));
    }
    return known.get(key);
  };
  const isPicture = ({ svg, width, height }) =>
    typeof svg === "string" && svg.length < LARGEST && width > 0 && height > 0 && width < 20_000 && height < 20_000;

  const show = async (figure) => {
    const text = $("pre", figure).textContent;
    const drawnFor = theme();
    const answer = text.length > LONGEST ? { error: "It is too long." } : await pictureOf(text);
    $(".diagram-note", figure)?.remove();
    if (!isPicture(answer)) return fail(figure, answer.error);
    let picture = $(".diagram img", figure);
    if (!picture) {
      const place = document.createElement("div");
      place.className = "diagram";
      place.tabIndex = 0;
      picture = place.appendChild(document.createElement("img"));
      $("pre", figure).before(place);
      const flip = Object.assign(document.createElement("button"), { type: "button", className: "flip", textContent: "Source" });
      $(".copy", figure).before(flip);
      figure.classList.add("drawn");
    }
    picture.width = Math.ceil(answer.width);
    picture.height = Math.ceil(answer.height);
    picture.alt = String(answer.title || "Diagram").slice(0, 300);
    picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(answer.svg)}`;
    picture.dataset.drawn = drawnFor; // on paper a dark one is turned into a light one
    picture.onerror = () => fail(figure, "");
    document.dispatchEvent(new CustomEvent("grown")); // whoever reads at the end stays there
  };
  const fail = (figure, why) => {
    figure.classList.remove("drawn");
    $(".diagram", figure)?.remove();
    $(".flip", figure)?.remove();
    const note = document.createElement("p");
    note.className = "diagram-note";
    note.textContent = `This diagram cannot be drawn. ${typeof why === "string" ? why : ""}`;
    figure.append(note);
  };

  on("code-block", ({ target }) => show(target));
  on("click", ({ target }) => {
    const flip = target.closest?.("figure.code .flip");
    if (!flip) return;
    const drawn = flip.closest("figure").classList.toggle("drawn");
    flip.textContent = drawn ? "Source" : "Diagram";
  });
  const again = () => {
    for (const figure of document.querySelectorAll("figure.code:has(> .diagram)")) show(figure);
  };
  dark.addEventListener("change", again);
  new MutationObserver(again).observe(root, { attributeFilter: ["data-theme"] });
})();
