// What a screen reader is told of an answer, by choice: nothing, that it is ready, the whole of it
// at its end, or each sentence as it is finished. Never tokens: the log of messages itself is
// silent. Sentences are read off finished blocks, and off the open one as far as it is drawn; how
// many were told is kept by message, so that a new drawing after a reconnect tells none again.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const on = (type, handler) => document.addEventListener(type, handler);
  const EVERY_MS = 400;
  const KEPT = 40; // paragraphs in the region; what leaves it is not told

  // --- From blocks to lines, from lines to sentences

  const BLOCKS = new Set(["P", "LI", "UL", "OL", "BLOCKQUOTE", "DIV", "H1", "H2", "H3", "H4", "H5", "H6", "TABLE"]);
  const nameOfCode = (figure) => {
    const language = $(".language", figure)?.textContent;
    const lines = $("pre", figure).textContent.trimEnd().split("\n").length;
    return `Code${language ? ` in ${language}` : ""}, ${lines} ${lines === 1 ? "line" : "lines"}.`;
  };

  const MARKUP = /[*_`~[\])>|$\\;\n<]|:\/\//; // from here on the tail may be drawn otherwise
  // Lines of text under some nodes, up to an element `end`; the last may be half a line then.
  const linesOf = (nodes, end) => {
    const lines = [""];
    let ended = false;
    const newLine = () => { if (lines.at(-1).trim()) lines.push(""); };
    const alone = (text) => { newLine(); lines[lines.length - 1] = text; lines.push(""); };
    const read = (node) => {
      if (ended) return;
      if (node === end) {
        ended = true;
        lines[lines.length - 1] += node.textContent.split(MARKUP)[0];
      } else if (node.nodeType === Node.TEXT_NODE) lines[lines.length - 1] += node.data;
      else if (node.localName === "math") lines[lines.length - 1] += node.getAttribute("alttext") ?? node.textContent;
      else if (node.matches("figure.code, pre")) {
        if (end && node.contains(end)) ended = true; // not finished
        else alone(node.matches("pre") ? "Code." : nameOfCode(node));
      } else if (node.localName === "tr" && !node.contains(end)) {
        alone(`${[...node.cells].map((cell) => cell.textContent.trim()).filter(Boolean).join(", ")}.`);
      } else if (node.localName === "input") lines[lines.length - 1] += `${node.getAttribute("aria-label")}: `;
      else {
        const isBlock = BLOCKS.has(node.tagName);
        if (isBlock) newLine();
        for (const child of node.childNodes) read(child);
        if (isBlock && !ended) newLine();
      }
    };
    for (const node of nodes) read(node);
    return lines.map((line) => line.replace(/\s+/g, " ").trim());
  };
  const cutter = "Segmenter" in Intl ? new Intl.Segmenter(undefined, { granularity: "sentence" }) : null;
  const cut = (line) => {
    const pieces = cutter ? [...cutter.segment(line)].map((it) => it.segment) : line.split(/(?<=[.!?。！？])\s+/);
    return pieces.map((piece) => piece.trim()).filter(Boolean);
  };
  const whole = (nodes) => linesOf(nodes, null).flatMap(cut);
  const begun = (open) => {
    const lines = linesOf([open], $('[id$="-tail"]', open));
    const half = lines.pop() ?? "";
    return [...lines.flatMap(cut), ...cut(half).slice(0, -1)]; // the last may go on
  };

  // --- One answer: what was told of it. `base` blocks are told, and `said` sentences behind them

  const answers = new Map(); // the id of a message → { base, said }
  const parts = (article) => {
    const drawn = $(":scope > .markdown", article);
    const done = drawn && $(":scope > .done", drawn);
    return { blocks: [...(done ?? drawn)?.children ?? []], open: drawn && $(":scope > .open", drawn) };
  };
  const advance = (article, answer) => {
    const { blocks, open } = parts(article);
    const closed = whole(blocks.slice(answer.base));
    const all = open ? [...closed, ...begun(open)] : closed;
    const fresh = all.slice(answer.said);
    answer.said = Math.max(all.length, answer.said) - closed.length;
    answer.base = blocks.length;
    if (answer.said < 0) answer.said = 0;
    return fresh;
  };

  // --- Telling

  const mode = () => document.body.dataset.announce ?? "ready";
  const tell = (sentences) => {
    const region = $("#spoken");
    for (const sentence of sentences) region.append(Object.assign(document.createElement("p"), { textContent: sentence }));
    while (region.childElementCount > KEPT) region.firstElementChild.remove();
  };
  const tellEnd = (article, rest) => {
    const ended = article.dataset.state === "done" ? "Answer ready." : "The answer ended early.";
    if (mode() === "off") return;
    if (mode() === "ready") $("#announce").textContent = ended;
    else if (mode() === "end") tell([ended, ...whole(parts(article).blocks)]);
    else tell([...rest, ended]);
  };

  // --- Looking: seldom, and only while an answer is being written

  const RUNNING = '#live .assistant:is([data-state="streaming"], [data-state="queued"])';
  const isRunning = (article) => /^(streaming|queued)$/.test(article.dataset.state);
  let timer = 0, isNew = true; // the page has just come: what it shows already is known
  const note = (article) => {
    if (answers.has(article.id)) return;
    const answer = { base: 0, said: 0 };
    answers.set(article.id, answer);
    if (isNew) advance(article, answer);
    else if (mode() === "ready") $("#announce").textContent = "";
  };
  const look = () => {
    timer = 0;
    for (const article of document.querySelectorAll(RUNNING)) note(article);
    isNew = false;
    for (const [id, answer] of answers) {
      const article = document.getElementById(id);
      if (!article) continue;
      const paired = Boolean(article.closest(".pair")); // two at once: each at its end
      if (isRunning(article)) {
        if (mode() === "sentences" && !paired) tell(advance(article, answer));
      } else {
        answers.delete(id);
        tellEnd(article, mode() === "sentences" ? advance(article, answer) : []);
      }
    }
    if ([...answers.keys()].some((id) => document.getElementById(id))) timer ||= setTimeout(look, EVERY_MS);
  };
  const lookSoon = () => {
    if (timer) return;
    const first = $(RUNNING);
    if (first) note(first);
    if (answers.size) timer = setTimeout(look, EVERY_MS);
  };
  on("htmx:wsAfterMessage", lookSoon);
  on("htmx:afterRequest", lookSoon);
  on("arrived", () => { isNew = true; look(); });
  on("reading", ({ detail }) => { // from here on, not from the beginning
    if (detail !== "announce") return;
    for (const [id, answer] of answers) {
      const article = document.getElementById(id);
      if (article) advance(article, answer);
    }
  });
  look();
})();
