// Notes every element that is ever put into the page: inside the box of a message's text with all
// of its attributes, outside of it as a signature, in which numbers and ids of rows are alike.
(() => {
  if (window !== top) return; // the frame of diagrams is another origin, and another document
  const BOX = ".markdown, .think, .message.user .text, .error-card pre, .found a, .shared-head h1";
  const seen = (window.seen = { inside: [], outside: [], twice: [], refused: [] });
  const known = { inside: new Set(), outside: new Set(), twice: new Set() };
  const note = (kind, value) => {
    const text = JSON.stringify(value);
    if (known[kind].has(text)) return;
    known[kind].add(text);
    seen[kind].push(value);
  };
  const alike = (value) =>
    value.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "U").replace(/\b\w{32,}\b/g, "U").replace(/\d+/g, "N");
  const place = (value) => {
    const url = new URL(value, location.href);
    return url.origin === location.origin ? alike(url.pathname) : url.protocol;
  };
  const TELLING = /^(id|class|name|type|for|form|method|rel|target|slot|is|on.*|style|http-equiv|data-hx-.*|hx-.*|ws-.*|sse-.*)$/;
  const LEADING = new Set(["href", "src", "action", "formaction", "hx-get", "hx-post", "xlink:href", "poster", "data"]);
  const signature = (element) => {
    // What says how something is just now (open, hidden, data-shown) and is no lever of anything.
    const lasting = [...element.attributes].filter(({ name }) => !/^(open|hidden|data-(?!hx-).*)$/.test(name));
    const told = lasting.map(({ name, value }) => {
      if (LEADING.has(name)) return `${name}=${place(value)}`;
      if (name === "class") value = value.replace(/htmx-\w+/g, "").trim();
      return TELLING.test(name) ? `${name}=${alike(value)}` : name;
    });
    return `${element.localName} ${told.sort().join(" ")}`;
  };
  // What our scripts add to finished blocks of code; no class of these gets through the sanitiser.
  const OURS = "figure.code :is(.diagram, .diagram > img, .flip, .wrap, .diagram-note)";
  const isOurWrapper = (element) => {
    if (element.matches(OURS)) return true;
    const article = element.closest("article");
    if (!element.isConnected) return /^m\d+-(done|open|tail)$/.test(element.id); // gone already
    return article && ["done", "open", "tail"].some((part) => element.id === `${article.id}-${part}`);
  };
  const look = (element, box) => {
    box = element.parentElement?.closest(BOX) || box;
    if (!box) note("outside", signature(element));
    else if (!isOurWrapper(element)) {
      note("inside", [element.localName, Object.fromEntries([...element.attributes].map((it) => [it.name, it.value]))]);
    }
  };
  const lookAll = (root, box) => {
    look(root, box);
    for (const element of root.querySelectorAll("*")) look(element, box);
  };
  const ids = () => {
    const found = new Set();
    for (const { id } of document.querySelectorAll("[id]")) {
      if (found.has(id)) note("twice", id);
      found.add(id);
    }
  };
  const taken = (records) => {
    for (const { type, target, addedNodes } of records) {
      const box = target.closest?.(BOX);
      if (type === "attributes" && target.isConnected) look(target);
      for (const node of addedNodes) {
        if (node.nodeType === 1 && (box || node.isConnected || target.isConnected)) lookAll(node, box);
      }
    }
    ids();
  };
  document.addEventListener("securitypolicyviolation", (event) => seen.refused.push(`${event.violatedDirective} ${event.blockedURI}`));
  new MutationObserver(taken).observe(document, { childList: true, subtree: true, attributes: true });
})();
