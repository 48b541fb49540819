// Picking a model: the list comes when somebody is about to open it, and is searched here.
// Others ask for a model with a "pick" event and are told of it with "picked".
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const on = (type, handler, capture) => document.addEventListener(type, handler, capture);

  let asking = null; // what a "pick" event asked; null: the composer's own model

  // --- The list, ahead of the click

  const want = ({ target }) => {
    if (target.closest?.(".chips, .again, #again")) htmx.trigger("#picker-models", "wanted");
  };
  on("pointerover", want);
  on("focusin", want);

  // --- Searching: each word must be somewhere in what an option says

  let options = [], readFrom;
  const read = () => {
    const models = $("#picker-models");
    const count = models.childElementCount;
    if (readFrom === models && options.count === count) return;
    options = [...document.querySelectorAll("#picker .option")].map((option) => {
      const words = `${option.textContent} ${$("input", option).value} ${option.dataset.author ?? ""}`;
      return [option, words.toLowerCase()];
    });
    options.count = count;
    readFrom = models;
  };
  const search = (text) => {
    read();
    const wanted = text.toLowerCase().split(/\s+/);
    const shown = new Set(); // the groups with something in them
    let found = false;
    for (const [option, words] of options) {
      const hidden = !wanted.every((word) => words.includes(word));
      if (option.hidden !== hidden) option.hidden = hidden;
      if (!hidden) shown.add(option.parentElement);
      found ||= !hidden;
    }
    for (const group of document.querySelectorAll("#picker .option-group")) {
      if (group.hidden === shown.has(group)) group.hidden = !group.hidden;
    }
    $(".dial").hidden = Boolean(text) || Boolean(asking);
    $(".picker-none").hidden = found;
  };
  on("input", ({ target }) => target.id === "picker-search" && search(target.value));
  on("htmx:afterRequest", ({ detail }) => detail.requestConfig.elt.id === "picker-models" && search($("#picker-search").value));

  // --- Opening

  on("pick", ({ detail }) => {
    asking = detail;
    htmx.trigger("#picker-models", "wanted");
    $("#picker").showPopover();
  });
  on("beforetoggle", ({ target, newState }) => {
    if (target.id !== "picker" || newState !== "open") return;
    $("#picker").setAttribute("aria-label", asking ? "Which other model answers" : "Which model answers");
    $("#picker-search").value = "";
    search("");
  }, true);
  on("toggle", ({ target, newState }) => {
    if (target.id !== "picker") return;
    if (newState === "closed") asking = null;
    else if (matchMedia("(pointer: fine)").matches) $("#picker-search").focus();
  }, true);

  // --- Choosing: arrow keys walk the list and leave it open; a click or Enter closes it

  const visible = () => [...document.querySelectorAll("#picker .option:not([hidden]) input")];
  const choose = (input) => {
    if (asking) {
      const detail = { ...asking, value: input.value, name: input.dataset.name };
      $("#picker").hidePopover();
      document.dispatchEvent(new CustomEvent("picked", { detail }));
      return;
    }
    $("#choice-name").textContent = input.dataset.name;
    $(".chip").setAttribute("aria-label", `Model: ${input.dataset.name}`);
  };
  on("keydown", (event) => {
    const { target, key } = event;
    if (!target.closest?.("#picker")) return;
    if (target.id === "picker-search") {
      const first = visible()[0];
      if (key === "ArrowDown") first?.focus();
      else if (key === "Enter" && first) pick(first);
      else return;
    } else if (target.name === "model" && key.startsWith("Arrow")) {
      const all = visible();
      const to = all.indexOf(target) + (key === "ArrowDown" || key === "ArrowRight" ? 1 : -1);
      if (to < 0) $("#picker-search").focus();
      else {
        all[to]?.focus();
        if (all[to] && !asking) { all[to].checked = true; choose(all[to]); }
      }
    } else if (target.name === "model" && key === "Enter") pick(target);
    else return;
    event.preventDefault();
  });
  const pick = (input) => {
    if (!asking) input.checked = true;
    choose(input);
    if ($("#picker:popover-open")) $("#picker").hidePopover();
  };
  on("click", (event) => {
    const { target } = event;
    if (target.matches("#picker .star")) return star(target);
    const input = target.closest("#picker .option label") && $("input", target.closest("label"));
    if (!input) return;
    event.preventDefault(); // the radio is ours to set: another model may have been asked for
    pick(input);
  });
  on("picked", ({ detail }) => {
    if (detail.for !== "again" && detail.for !== "against") return;
    document.dispatchEvent(new CustomEvent("ask-again", { detail }));
  });

  // --- Favourites: at once on the page, and kept by the server

  const star = (button) => {
    const option = button.closest(".option");
    const isOn = button.getAttribute("aria-pressed") !== "true";
    const homes = [$("#picker .favourites"), ...document.querySelectorAll("#picker fieldset[data-author]")];
    const home = isOn ? homes[0] : homes.find((it) => it.dataset.author === option.dataset.author);
    htmx.ajax("POST", $("#picker").dataset.star, {
      source: $("#picker"), swap: "none", values: { slug: $("input", option).value, on: isOn ? "1" : "0" },
    });
    button.setAttribute("aria-pressed", isOn);
    home.append(option);
    search($("#picker-search").value);
    button.focus({ preventScroll: true });
  };
})();
