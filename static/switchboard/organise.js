// The list of conversations: its menus, names changed in place, older ones, and what other tabs do.
// The server draws everything; here is only when to ask for it, and where it opens.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const on = (type, handler, capture) => document.addEventListener(type, handler, capture);
  const EVERY_MS = 4000; // while an answer is being written somewhere
  const TOAST_MS = 12_000;

  // --- The menu of a conversation: opened beside its button, by pointer and by keyboard

  const menu = $("#menu");
  let opener;
  const openMenu = async (link) => {
    opener = link;
    (link.closest("#sidebar:popover-open") ?? document.body).append(menu); // else the drawer would close
    await htmx.ajax("GET", link.getAttribute("href"), { target: menu, swap: "innerHTML" });
    if (!menu.childElementCount) return;
    if (!menu.matches(":popover-open")) menu.showPopover();
    link.setAttribute("aria-expanded", "true");
    place(link);
    items()[0]?.focus();
  };
  const place = (link) => {
    const by = link.getBoundingClientRect();
    const left = Math.min(by.left, innerWidth - menu.offsetWidth - 8);
    const below = by.bottom + 4 + menu.offsetHeight < innerHeight;
    menu.style.left = `${Math.max(8, left)}px`;
    menu.style.top = below ? `${by.bottom + 4}px` : `${Math.max(8, innerHeight - menu.offsetHeight - 8)}px`;
  };
  const items = () => [...menu.querySelectorAll("a, button, summary, input")].filter((item) => item.checkVisibility());
  const closeMenu = () => menu.matches(":popover-open") && menu.hidePopover();
  menu.addEventListener("toggle", ({ newState }) => {
    if (newState === "closed") opener?.removeAttribute("aria-expanded");
  });
  menu.addEventListener("toggle", ({ target }) => target !== menu && target.open && place(opener), true);
  menu.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !menu.contains(document.activeElement)) return;
    const all = items();
    all.at((all.indexOf(document.activeElement) + step) % all.length).focus();
    event.preventDefault();
  });

  // --- A name changed where it stands: Enter keeps it, Escape does not

  const rename = (pk) => {
    const entry = document.getElementById(`e-${pk}`);
    const place = entry?.checkVisibility() ? entry.parentElement : $("#title");
    const shown = place === $("#title") ? place : $("span", entry);
    const form = document.createElement("form");
    const field = document.createElement("input");
    form.className = "rename";
    field.name = "title";
    field.value = shown.textContent;
    field.maxLength = 120;
    field.setAttribute("aria-label", "Name of the conversation");
    form.append(field);
    let over = false; // to take a field away blurs it
    const done = (focus) => {
      over = true;
      field.blur();
      form.remove();
      for (const child of place.children) child.hidden = false;
      if (place.dataset.name) place.prepend(place.dataset.name);
      delete place.dataset.name;
      if (focus) document.getElementById(`e-${pk}`)?.focus();
    };
    const keep = async (focus) => {
      if (over) return;
      const title = field.value.trim();
      const changed = title && title !== shown.textContent && title !== place.dataset.name;
      done(false);
      if (changed) await htmx.ajax("POST", `/c/${pk}/rename/`, { values: { title }, swap: "none", source: document.body });
      if (focus) document.getElementById(`e-${pk}`)?.focus();
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      keep(true);
    });
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      done(true);
    });
    field.addEventListener("blur", () => keep(false));
    if (place === $("#title")) {
      place.dataset.name = place.textContent;
      place.textContent = "";
    }
    for (const child of place.children) child.hidden = true;
    place.append(form);
    field.focus();
    field.select();
  };

  // --- Folders: open or not, as they were left

  const openFolders = () => {
    try { return new Set(JSON.parse(localStorage.getItem("folders")) ?? []); } catch { return new Set(); }
  };
  const showFolders = () => {
    const open = openFolders();
    for (const folder of document.querySelectorAll("#sidebar .folder")) {
      folder.open = open.has(folder.dataset.folder) || Boolean($("[aria-current]", folder));
    }
  };
  on("toggle", ({ target }) => {
    if (!target.matches(".folder")) return;
    const open = openFolders();
    if (target.open) open.add(target.dataset.folder);
    else open.delete(target.dataset.folder);
    try { localStorage.setItem("folders", JSON.stringify([...open])); } catch {}
  }, true);

  // --- The list as it is now: after what is done here, in another tab, or by an answer that ends

  const tabs = "BroadcastChannel" in window ? new BroadcastChannel("conversations") : null;
  let shown = 0, timer = 0, asking = false, again = false, drawn = "";
  const busyHere = () => Boolean($('#live [data-state="streaming"], #live [data-state="queued"]'));
  const inUse = () => $("#sidebar-list .rename") || menu.matches(":popover-open");
  const refresh = async () => {
    if (asking || inUse()) { again = true; return; }
    asking = true;
    again = false;
    const query = new URLSearchParams({ shown, open: $("#main").dataset.conversation ?? "" });
    try {
      const answer = await fetch(`/sidebar/?${query}`);
      const html = answer.ok && !answer.redirected ? await answer.text() : drawn;
      if (html !== drawn && !inUse()) show((drawn = html));
    } catch {
      // offline: the next look will tell
    }
    asking = false;
    look();
    if (again) refresh();
  };
  const show = (html) => {
    const list = $("#sidebar-list");
    const focused = list.contains(document.activeElement) ? document.activeElement.id : "";
    list.innerHTML = html;
    showFolders();
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  };
  const look = () => { // on, while somewhere an answer is being written
    clearTimeout(timer);
    if ($("#kept[data-answering]") && !document.hidden) timer = setTimeout(refresh, EVERY_MS);
  };
  const changed = () => {
    refresh();
    tabs?.postMessage("changed");
  };
  tabs?.addEventListener("message", refresh);
  on("visibilitychange", () => !document.hidden && refresh());
  let wasBusy = busyHere();
  const noteAnswer = () => {
    if (wasBusy === busyHere()) return;
    wasBusy = !wasBusy;
    changed();
  };
  on("htmx:wsAfterMessage", noteAnswer);
  on("arrived", () => {
    noteAnswer();
    showFolders();
    const pk = $("#main").dataset.conversation;
    if (pk && !document.getElementById(`e-${pk}`)) changed(); // one that this list does not know yet
  });
  on("htmx:afterRequest", ({ detail }) => {
    noteAnswer();
    if (detail.requestConfig.verb !== "post") return;
    if (detail.elt.closest?.("#menu, #toasts, .rename") || detail.elt === document.body) {
      closeMenu();
      drawn = "";
      showFolders();
      tabs?.postMessage("changed");
    }
  });
  on("htmx:oobAfterSwap", ({ detail }) => {
    if (detail.target.id === "sidebar-list") { showFolders(); look(); }
    if (detail.target.id === "toasts") tell(detail.target);
    if (detail.target.id === "title") changed(); // a name came over the socket
  });

  // --- What was just done, and how to take it back

  const tell = (toasts) => { // over everything, the drawer too
    if (toasts.matches(":popover-open")) toasts.hidePopover();
    toasts.showPopover();
    $("#announce").textContent = $("span", toasts)?.textContent ?? "";
    expire();
  };
  let fading = 0;
  const expire = () => {
    clearTimeout(fading);
    fading = setTimeout(() => {
      const toasts = $("#toasts");
      if (toasts.matches(":hover, :focus-within")) return expire();
      toasts.hidePopover();
      toasts.replaceChildren();
    }, TOAST_MS);
  };

  // --- Search: arrow keys walk through what was found

  const search = $("#search");
  const openSearch = () => {
    $("#sidebar:popover-open")?.hidePopover();
    closeMenu();
    if (!search.open) search.showModal();
    $("input", search).select();
  };
  search.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const stops = [$("input", search), ...search.querySelectorAll(".found a")];
    if (step) stops[Math.max(0, Math.min(stops.length - 1, stops.indexOf(document.activeElement) + step))].focus();
    else if (event.key === "Enter" && document.activeElement === stops[0]) stops[1]?.click();
    else return;
    event.preventDefault();
  });
  for (const dialog of [search, $("#sheet")]) {
    dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close()); // beside it
  }

  // --- Sheets: instructions, sharing

  const sheet = $("#sheet");
  const openSheet = async (link) => {
    closeMenu();
    await htmx.ajax("GET", link.getAttribute("href"), { target: sheet, swap: "innerHTML" });
    if (!sheet.childElementCount || sheet.open) return;
    sheet.setAttribute("aria-label", $("h2", sheet)?.textContent ?? "Conversation");
    $("#sidebar:popover-open")?.hidePopover();
    sheet.showModal();
  };

  // --- "/" in an empty message box: one's own prompts

  const slash = $("#slash");
  const options = () => [...slash.querySelectorAll("[data-text]")].filter((option) => !option.hidden);
  const chosen = () => $('[aria-selected="true"]:not([hidden])', slash);
  const choose = (option) => {
    chosen()?.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) $("#prompt").setAttribute("aria-activedescendant", option.id);
    else $("#prompt").removeAttribute("aria-activedescendant");
  };
  const closeSlash = () => {
    if (slash.matches(":popover-open")) slash.hidePopover();
    $("#prompt").removeAttribute("aria-activedescendant");
  };
  const typedIn = (prompt) => /^\/([^\n]{0,40})$/.exec(prompt.value)?.[1].toLowerCase();
  let listed; // once for a "/": a list that came again would take the choice away from under Enter
  const list = async () => {
    const answer = await fetch(slash.dataset.from, { headers: { "HX-Request": "true" } });
    if (answer.ok && !answer.redirected) slash.innerHTML = await answer.text();
  };
  const suggest = async (prompt) => {
    if (typedIn(prompt) === "" || !listed) listed = list().catch(() => {});
    await listed;
    const typed = typedIn(prompt);
    if (typed === undefined) return closeSlash();
    for (const option of slash.querySelectorAll("[data-text]")) {
      option.hidden = !$("strong", option).textContent.toLowerCase().includes(typed);
    }
    if (!options().length && typed) return closeSlash();
    const by = $("#composer .box").getBoundingClientRect();
    slash.style.left = `${by.left}px`;
    slash.style.width = `${by.width}px`;
    slash.style.bottom = `${innerHeight - by.top + 6}px`;
    if (!slash.matches(":popover-open")) slash.showPopover();
    choose(options()[0]);
  };
  const insert = (option) => {
    const prompt = $("#prompt");
    prompt.value = option.dataset.text;
    closeSlash();
    prompt.focus();
    prompt.dispatchEvent(new Event("input", { bubbles: true })); // it grows, and the draft is kept
  };
  on("input", ({ target }) => {
    if (target.id !== "prompt") return;
    if (typedIn(target) === undefined) closeSlash();
    else suggest(target);
  });
  on("keydown", (event) => {
    if (event.target.id !== "prompt" || !slash.matches(":popover-open") || event.isComposing) return;
    const all = options();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && all.length) choose(all.at((all.indexOf(chosen()) + step) % all.length));
    else if ((event.key === "Enter" || event.key === "Tab") && all.length) insert(chosen() ?? all[0]);
    else if (event.key === "Escape") closeSlash();
    else return;
    event.preventDefault();
    event.stopPropagation(); // Enter would send
  }, true);
  slash.addEventListener("mousedown", (event) => event.preventDefault()); // the focus stays in the box
  slash.addEventListener("click", ({ target }) => {
    const option = target.closest("[data-text]");
    if (option) insert(option);
  });

  // --- Clicks

  on("click", (event) => {
    const link = event.target.closest("a, button");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (link.matches(".more")) openMenu(link);
    else if (link.matches(".search-open")) openSearch();
    else if (link.matches("[data-sheet]")) openSheet(link);
    else if (link.dataset.fill) document.getElementById(link.dataset.fill).value = link.dataset.text;
    else if (link.closest("#search .found")) return search.close(); // the same page may only scroll
    else if (link.id === "older") { shown = Number(link.dataset.shown); refresh(); }
    else if (link.dataset.rename) { closeMenu(); rename(link.dataset.rename); }
    else return;
    event.preventDefault();
  });

  showFolders();
  look();
})();
