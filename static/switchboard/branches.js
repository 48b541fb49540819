// Editing in place, answering again, switching branches. Without this file the same links and
// buttons lead to small pages with the same forms.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const on = (type, handler, capture) => document.addEventListener(type, handler, capture);
  const keyOf = (element) => element.closest(".message").id.slice(1);
  const nonce = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const busy = () => Boolean($('#live [data-state="streaming"], #live [data-state="queued"]'));

  // --- Editing: one form at a time, which outlives a new drawing of its message

  let editing = null; // { pk, text, nonce }

  const openEdit = (pk, text) => {
    const message = $(`#m${pk}`);
    const form = $("#edit-template").content.cloneNode(true).firstElementChild;
    const area = $("textarea", form);
    area.value = text ?? $(".text", message).textContent;
    form.action = $(".edit", message).href;
    $(".text", message).after(form);
    editing = { pk, text: area.value, nonce: editing?.pk === pk ? editing.nonce : nonce() };
    area.focus();
    area.setSelectionRange(area.value.length, area.value.length);
    return form;
  };
  const closeEdit = () => {
    const message = $(`#m${editing?.pk}`);
    editing = null;
    $(".edit-form")?.remove();
    if (message) $(".edit", message)?.focus();
  };
  const startEdit = (pk) => {
    if (editing?.pk === pk && $(".edit-form")) return $(".edit-form textarea").focus();
    $(".edit-form")?.remove();
    editing = null;
    openEdit(pk);
  };
  on("submit", (event) => {
    const form = event.target;
    if (!form.matches(".edit-form")) return;
    event.preventDefault();
    const text = $("textarea", form).value;
    if (!text.trim() || form.matches(".sending")) return;
    form.classList.add("sending");
    $(".primary", form).disabled = true;
    command(form, form.action, { prompt: text, nonce: editing.nonce });
  });
  on("input", ({ target }) => {
    if (!target.closest(".edit-form") || !editing) return;
    if (editing.text !== target.value) editing.nonce = nonce(); // another text is another send
    editing.text = target.value;
  });
  on("keydown", (event) => {
    const { target, key } = event;
    if (target.closest(".edit-form")) {
      if (event.isComposing || event.keyCode === 229) return;
      if (key === "Escape") closeEdit();
      else if (key === "Enter" && (event.ctrlKey || event.metaKey)) target.form.requestSubmit();
      else return;
      event.preventDefault();
    } else if (target.id === "prompt" && key === "ArrowUp" && !target.value) {
      const last = [...document.querySelectorAll("#messages .message.user .edit")].pop();
      if (!last) return;
      event.preventDefault();
      startEdit(keyOf(last));
    }
  });

  // --- Commands: the change itself comes over the socket, to this tab as to all others

  let awaited = 0;
  const command = (source, path, values) =>
    htmx.ajax("POST", new URL(path, location).pathname, { source, swap: "none", values });
  on("htmx:configRequest", ({ detail }) => {
    if (detail.elt.matches(".fork, .go-on")) detail.parameters.set?.("nonce", (detail.elt.dataset.nonce ??= nonce()));
  });
  on("htmx:afterRequest", ({ detail: { elt, successful, requestConfig } }) => {
    if (elt.matches(".edit-form")) {
      elt.classList.remove("sending");
      $(".primary", elt).disabled = false;
      if (successful) editing = null;
    }
    if (!/\/m\/\d+\/(edit|again|go-on|show|compare|vote)\/$/.test(requestConfig.path) || !successful) return;
    clearTimeout(awaited);
    awaited = setTimeout(() => dispatchEvent(new Event("online")), 1500); // the socket is away: ask for it
  });

  // --- Answering again: a menu beside its button

  let asked; // the link that opened the menu

  const openMenu = (link) => {
    const menu = $("#again");
    asked = link;
    const article = link.closest(".message");
    const name = $(".receipt .model", article)?.textContent;
    $('[data-model="same"]', menu).hidden = !name;
    $('[data-model="same"] span', menu).textContent = name ? `${name} again` : "";
    menu.showPopover();
    const at = link.getBoundingClientRect(), size = menu.getBoundingClientRect();
    const above = at.bottom + size.height + 8 > innerHeight;
    menu.style.left = `${Math.max(8, Math.min(at.left, innerWidth - size.width - 8))}px`;
    menu.style.top = `${Math.max(8, above ? at.top - size.height - 4 : at.bottom + 4)}px`;
    $("button:not([hidden])", menu).focus();
  };
  on("ask-again", ({ detail }) => {
    const path = detail.for === "against" ? detail.href.replace(/again\/$/, "compare/") : detail.href;
    command(document.body, path, { model: detail.value, nonce: nonce() });
  });
  const askAgain = (model) => command(document.body, asked.href, { model, nonce: nonce() });
  on("keydown", (event) => {
    const menu = event.target.closest(".menu");
    if (!menu || !["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) return;
    event.preventDefault();
    const items = [...menu.querySelectorAll("button:not([hidden])")];
    const at = items.indexOf(event.target);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    items.at(to % items.length).focus();
  });

  on("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    const control = event.target.closest("a.edit, a.again, .edit-form .cancel, #again button, .arrows button");
    if (!control) return;
    if (control.matches(".arrows button")) {
      goingTo = control.dataset.shows;
      return;
    }
    event.preventDefault();
    if (control.matches(".cancel")) return closeEdit();
    if (control.matches("a.edit")) return startEdit(keyOf(control));
    if (control.matches("a.again")) return openMenu(control);
    $("#again").hidePopover();
    if (control.dataset.pick) {
      document.dispatchEvent(new CustomEvent("pick", { detail: { for: control.dataset.pick, href: asked.href } }));
    } else askAgain(control.dataset.model);
  });

  // --- A new drawing: the reader stays where they were, the focus and the form, too

  let goingTo, kept;

  on("htmx:wsBeforeMessage", ({ detail }) => {
    kept = null;
    if (!/^<div id="(live|messages)" hx-swap-oob="innerHTML">/.test(detail.message)) return;
    clearTimeout(awaited);
    const list = $("#messages");
    const top = list.getBoundingClientRect().top;
    const seen = [...list.querySelectorAll(".message")].filter((it) => it.getBoundingClientRect().bottom > top);
    kept = seen.map((it) => [it.id, it.getBoundingClientRect().top]);
  });
  on("htmx:wsAfterMessage", () => {
    if (editing && !$(".edit-form") && $(`#m${editing.pk} .text`)) openEdit(editing.pk, editing.text);
    if (!kept) return;
    if (!$("#latest").hidden) {
      const found = kept.find(([id]) => document.getElementById(id));
      if (found) $("#messages").scrollTop += document.getElementById(found[0]).getBoundingClientRect().top - found[1];
    }
    if (goingTo) {
      const arrows = [...document.querySelectorAll(`#m${goingTo} .arrows button:not(:disabled)`)];
      arrows.at(-1)?.focus({ preventScroll: true });
      goingTo = undefined;
    }
    kept = null;
  });
})();
