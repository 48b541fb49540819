// The chat page's behaviour. htmx does the requests and puts fragments in their places; here is
// what it leaves open: the composer, when to reconnect, where to scroll. Elements may be
// swapped at any time, so they are looked up when needed and listened to from the document.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const on = (type, handler, capture) => document.addEventListener(type, handler, capture);
  const store = {
    // Storage may be full or switched off: then drafts live as long as their page.
    get: (key) => { try { return JSON.parse(localStorage.getItem(key)); } catch { return null; } },
    set: (key, value) => { try { localStorage.setItem(key, JSON.stringify(value)); } catch {} },
    remove: (key) => { try { localStorage.removeItem(key); } catch {} },
  };
  const say = (text) => { $("#notice").textContent = text; };

  // --- Drafts: kept with their nonce, so that sending again after a reload is still the same send

  const draftKey = () => `draft:${document.body.dataset.user}:${$("#main").dataset.conversation ?? "new"}`;
  const nonceField = () => $('#composer [name="nonce"]');
  const newNonce = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID needs https
    nonceField().value = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  };
  let draftTimer;
  const keepDraft = () => {
    clearTimeout(draftTimer);
    draftTimer = 0;
    const text = $("#prompt").value;
    if (text) store.set(draftKey(), { text, nonce: nonceField().value, tried });
    else store.remove(draftKey());
  };
  const grow = CSS.supports("field-sizing", "content") ? () => {} : () => {
    const prompt = $("#prompt");
    prompt.style.height = "auto";
    prompt.style.height = `${prompt.scrollHeight}px`;
  };
  const setPrompt = (text) => {
    $("#prompt").value = text;
    grow();
    keepDraft();
  };

  // --- Sending: a nonce belongs to one text and is renewed when the server has confirmed it

  let tried = null; // the text that was sent with the present nonce and is not confirmed yet
  let sending = null;

  const refusal = (prompt) => {
    const most = Number(prompt.dataset.maxChars);
    if (sending) return "";
    if (busy) return "An answer is still being written. Your text is kept; send it afterwards, or stop the answer.";
    if (prompt.value.length > most && [...prompt.value].length > most) {
      return `This message is too long: at most ${most.toLocaleString("en")} characters can be sent at once.`;
    }
    return navigator.onLine ? null : "You are offline. Your text is kept; send it when the connection is back.";
  };
  on("submit", (event) => {
    if (event.target.closest(".sign-out")) {
      for (const key of Object.keys(localStorage)) if (key.startsWith("draft:")) store.remove(key);
    }
    if (event.target.id !== "composer") return;
    const prompt = $("#prompt");
    const why = refusal(prompt);
    if (why !== null) {
      event.preventDefault();
      event.stopPropagation();
      if (why) say(why);
      return;
    }
    say("");
    if (tried !== null && tried !== prompt.value) newNonce();
    tried = prompt.value;
    keepDraft();
    sentHere = true;
    sending = { prompt, text: prompt.value, key: draftKey(), path: new URL(event.target.action).pathname };
    $(".send").disabled = true;
  }, true);

  // The socket may have been faster: what has no place any more has been shown already.
  on("htmx:beforeSwap", ({ detail }) => {
    const place = /hx-swap-oob="(?:beforebegin|outerHTML):#([\w-]+)"/.exec(detail.serverResponse)?.[1];
    if (place && !document.getElementById(place)) detail.shouldSwap = false;
  });
  on("htmx:afterRequest", ({ detail }) => {
    const { xhr, successful } = detail;
    if (xhr.responseURL && xhr.status && new URL(xhr.responseURL).pathname !== detail.pathInfo.requestPath.split("?")[0]) {
      return signIn(); // the session is over: what answered is the sign-in page
    }
    if (detail.requestConfig.elt.id === "composer") settleSend(successful);
    if (!successful && !$("#notice").textContent) say(failure(xhr.status));
    refresh();
  });
  const settleSend = (confirmed) => {
    const { prompt, text, key } = sending;
    sending = null;
    $(".send").disabled = false;
    sentHere = confirmed;
    if (!confirmed) return;
    store.remove(key);
    tried = null;
    const rest = prompt.value.startsWith(text) ? prompt.value.slice(text.length).trimStart() : prompt.value;
    newNonce();
    setPrompt(rest); // what was typed while the request was under way stays
    if (matchMedia("(pointer: fine)").matches) $("#prompt").focus();
  };
  const failure = (status) => {
    if (!status) return "The server cannot be reached. Your text is kept; try again in a moment.";
    if (status === 403) return "This page has grown too old. Reload it and try again; your text is kept.";
    return `The server could not do this (${status}). Your text is kept; try again in a moment.`;
  };
  const signIn = () => {
    keepDraft();
    location.assign(`${document.body.dataset.login}?next=${encodeURIComponent(location.pathname)}`);
  };

  on("input", ({ target }) => {
    if (target.id !== "prompt") return;
    grow();
    draftTimer ||= setTimeout(keepDraft, 300);
  });
  on("keydown", (event) => {
    if (event.target.id !== "prompt" || event.key !== "Enter" || event.shiftKey) return;
    if (event.isComposing || event.keyCode === 229) return; // an input method is choosing a word
    if (!event.ctrlKey && !event.metaKey && matchMedia("(pointer: coarse)").matches) return;
    event.preventDefault();
    if (event.target.value.trim()) $("#composer").requestSubmit($(".send"));
  });
  addEventListener("pagehide", () => draftTimer && keepDraft());

  on("toggle", ({ target }) => {
    if (target.matches(".receipt[open]")) target.scrollIntoView({ block: "nearest" });
  }, true);

  // --- Reading: follow the answer only while the reader is at its end

  let busy = false, stuck = true, gliding = 0, lastTop = 0, lastQuestion, sentHere = false, watched, frame = 0;

  const watchSize = new ResizeObserver(() => follow());
  on("grown", () => follow());
  const follow = () => { frame ||= requestAnimationFrame(keepUp); };
  const keepUp = () => {
    cancelAnimationFrame(frame);
    frame = 0;
    const list = $("#messages");
    if (document.body.dataset.follow === "off") return look(list);
    if (!stuck || gliding || !$(".message", list)) return;
    list.scrollTop = list.scrollHeight;
    lastTop = list.scrollTop; // who turns the wheel meanwhile turns it from here
  };
  // At once where it is seen: a page that scrolls in its frame needs another to say that it did.
  const grew = () => (document.hidden ? follow() : keepUp());
  const look = (list) => { // nobody is followed: only say that there is more
    stuck = list.scrollHeight - list.scrollTop - list.clientHeight < 24;
    $("#latest").hidden = stuck || Boolean(gliding);
  };
  const toEnd = () => {
    const list = $("#messages");
    stuck = true;
    $("#latest").hidden = true;
    if (list.scrollHeight - list.scrollTop - list.clientHeight < 2) return;
    clearTimeout(gliding);
    gliding = setTimeout(landed, 700);
    list.scrollTo({ top: list.scrollHeight, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth" });
  };
  const landed = () => {
    clearTimeout(gliding);
    gliding = 0;
    follow();
  };
  const release = () => { clearTimeout(gliding); gliding = 0; };
  on("wheel", release, { capture: true, passive: true });
  on("touchmove", release, { capture: true, passive: true });
  on("scrollend", ({ target }) => target.id === "messages" && gliding && landed(), true);
  on("scroll", ({ target: list }) => {
    if (list.id !== "messages") return;
    const left = list.scrollHeight - list.scrollTop - list.clientHeight;
    if (left < 24) stuck = true;
    else if (!gliding && list.scrollTop < lastTop - 1) stuck = false;
    lastTop = list.scrollTop;
    if ($("#latest").hidden !== stuck) $("#latest").hidden = stuck;
  }, true);

  // A question just asked goes to the top, and its answer grows into the room below.
  const makeRoom = (question) => {
    const list = $("#messages");
    const answer = question.nextElementSibling;
    if (!answer?.matches(".assistant")) return;
    const room = list.clientHeight - (answer.offsetTop - question.offsetTop) - 56;
    list.style.setProperty("--room", `${Math.max(0, room)}px`);
    toEnd();
  };

  const refresh = () => {
    const list = $("#messages");
    if (list !== watched) {
      watchSize.disconnect();
      watchSize.observe((watched = list));
      if (!sentHere) lastQuestion = undefined;
      const named = /^#m\d+$/.test(location.hash) && $(location.hash);
      if (named) named.scrollIntoView();
      else if ($(".message", list)) list.scrollTop = list.scrollHeight;
      stuck = !named;
      if (!$("#main[ws-connect]")) { // nothing to be connected to
        clearTimeout(banner);
        banner = 0;
        socket = undefined;
      }
    }
    const running = $('#live [data-state="streaming"], #live [data-state="queued"]');
    busy = Boolean(running);
    $(".send").hidden = busy;
    $(".halt").hidden = !busy;
    const question = [...document.querySelectorAll("#live > .user")].pop();
    if (question && question.id !== lastQuestion) {
      if (running && (sentHere || (lastQuestion !== undefined && stuck))) makeRoom(question);
      sentHere = false;
    }
    lastQuestion = question?.id ?? lastQuestion ?? "";
    follow();
  };

  // --- The socket: ext-ws makes it and swaps what it says; when to connect again is decided here

  let socket, wrapper, owner, timer = 0, attempts = 0, banner = 0, hiddenAt = 0;

  // Finished turns leave #live, so that a new connection asks only for what is newer.
  const moveSettled = () => {
    const live = $("#live");
    const last = [...live.querySelectorAll(':scope > .assistant[data-state="done"]')].pop();
    if (last) {
      const all = [...live.children];
      live.before(...all.slice(0, all.indexOf(last) + 1).filter((child) => child.matches(".message, #earlier")));
    }
    const before = live.previousElementSibling;
    return before?.matches(".assistant") ? before.id.slice(1) : "0";
  };
  const missing = () => { banner ||= setTimeout(() => { $("#connection").hidden = false; }, 3000); };
  htmx.config.wsReconnectDelay = () => 2 ** 31 - 1; // never: its list of codes leaves out 1000, 1001, 1005
  htmx.createWebSocket = (url) => {
    clearTimeout(timer);
    socket?.close(); // two at once would write every word twice
    const address = new URL(url);
    address.searchParams.set("after", moveSettled());
    return (socket = new WebSocket(address));
  };
  const reconnect = () => {
    clearTimeout(timer);
    if ($("#main[ws-connect]") === owner) wrapper?.reconnect();
  };
  const own = ({ target, detail }) => {
    owner = target;
    wrapper = detail.socketWrapper;
  };
  on("htmx:wsOpen", own);
  on("htmx:wsClose", (closed) => {
    const { event } = closed.detail;
    if (event.target !== socket) return; // one that we closed ourselves
    own(closed);
    if (event.code === 4401) return signIn();
    if (event.code === 4404) return say("This conversation does not exist any more.");
    const most = Math.min(10_000, 375 * 2 ** attempts++);
    timer = setTimeout(reconnect, most * (0.66 + 0.67 * Math.random()));
    missing();
  });
  on("htmx:wsAfterMessage", ({ detail }) => {
    attempts = 0;
    clearTimeout(banner);
    banner = 0;
    $("#connection").hidden = true;
    if (detail.isGrowth) grew();
    else refresh();
  });
  addEventListener("online", reconnect);
  addEventListener("offline", () => socket && missing());
  addEventListener("pageshow", ({ persisted }) => persisted && reconnect());
  on("visibilitychange", () => {
    if (document.hidden) hiddenAt = Date.now();
    else if (socket?.readyState > 1 || Date.now() - hiddenAt > 60_000) reconnect(); // it may have died asleep
  });

  // --- Clicks

  on("click", ({ target }) => {
    const button = target.closest("button");
    if (!button) return;
    if (button.matches(".halt")) {
      $("#live .stop")?.click();
      $("#prompt").focus(); // the button is about to go
    }
    else if (button.id === "latest") toEnd();
    else if (button.dataset.example) {
      setPrompt(button.dataset.example);
      $("#prompt").focus();
    }
  });

  // --- The start of a page, and of each conversation that navigation.js puts in its place

  const begin = () => {
    const draft = store.get(draftKey());
    tried = null;
    if (draft && !$("#prompt").value) {
      if (draft.nonce) nonceField().value = draft.nonce;
      tried = draft.tried ?? null;
      setPrompt(draft.text);
    } else if (!nonceField().value) newNonce();
    refresh();
  };
  on("leaving", () => draftTimer && keepDraft());
  on("arrived", begin);
  begin();
})();
