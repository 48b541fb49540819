// The composer's preview: while somebody types and Auto is chosen, which model is likely to answer
// and for how much. It never stands in the way: one request at a time, late ones are dropped, and
// what fails is silent.
(() => {
  "use strict";
  const PAUSE_MS = 400, ENOUGH = 3, HEAD = 8000, TAIL = 4000;
  const $ = (selector) => document.querySelector(selector);
  let timer = 0, running = null, asked = "";

  const place = () => $("#preview");
  const clear = () => {
    clearTimeout(timer);
    running?.abort();
    running = null;
    asked = "";
    if (place()) place().replaceChildren();
  };
  const wanted = () => {
    const auto = $('#picker [name="model"][value=""]');
    const text = $("#prompt")?.value ?? "";
    return auto?.checked && !$("#against")?.value && text.trim().length >= ENOUGH ? text : "";
  };
  const later = () => {
    clearTimeout(timer);
    if (!place()) return;
    if (!wanted()) return clear();
    timer = setTimeout(ask, PAUSE_MS);
  };
  const formOf = (text) => {
    const form = new FormData();
    const cut = text.length > HEAD + TAIL;
    form.set("prompt", cut ? `${text.slice(0, HEAD)}\n${text.slice(-TAIL)}` : text);
    if (cut) form.set("left_out", String(text.length - HEAD - TAIL));
    const dial = $('#picker [name="dial"]');
    if (dial) form.set("dial", dial.value);
    for (const { value } of document.querySelectorAll('#attached [name="file"]')) form.append("file", value);
    form.set("csrfmiddlewaretoken", $("#composer [name=csrfmiddlewaretoken]").value);
    return form;
  };
  const ask = async () => {
    const text = wanted();
    const url = place()?.dataset.url;
    if (!text || !url || document.hidden || !navigator.onLine) return;
    const form = formOf(text);
    const key = `${url} ${form.get("dial")} ${form.getAll("file")} ${text}`;
    if (key === asked) return;
    asked = key;
    running?.abort();
    const mine = (running = new AbortController());
    try {
      const answer = await fetch(url, { method: "POST", body: form, signal: mine.signal, redirect: "error" });
      if (answer.status === 429) return again(mine);
      const html = answer.ok ? await answer.text() : "";
      if (mine === running && wanted() && place()) place().innerHTML = html; // drawn by our own server
    } catch {
      // Aborted by a newer one, or out of reach: sending will say what is wrong.
    }
  };
  const again = (mine) => {
    if (mine !== running) return;
    asked = "";
    timer = setTimeout(ask, 3 * PAUSE_MS);
  };

  // One click keeps the model. The list of models may not have come yet: then it gets this one.
  const pick = ({ slug, name }) => {
    let option = [...document.querySelectorAll('#picker [name="model"]')].find((each) => each.value === slug);
    if (!option) {
      const row = Object.assign(document.createElement("div"), { className: "option" });
      const label = row.appendChild(document.createElement("label"));
      option = Object.assign(document.createElement("input"), { type: "radio", name: "model", value: slug });
      option.dataset.name = name;
      const shown = Object.assign(document.createElement("span"), { className: "option-name", textContent: name });
      label.append(option, shown);
      $("#picker-models").prepend(row);
    }
    option.closest("label").click(); // picker.js does the rest
    $("#prompt").focus();
  };

  document.addEventListener("input", ({ target }) => {
    if (target.id === "prompt" || target.closest?.(".dial")) later();
  });
  const soon = () => setTimeout(later); // once the picker has chosen
  document.addEventListener("toggle", ({ target }) => target.id === "picker" && soon(), true);
  document.addEventListener("click", ({ target }) => {
    const button = target.closest(".preview-pick");
    if (button) pick(button.dataset);
    if (target.closest("#picker, [data-example], .against, .preview-pick")) soon();
  });
  document.addEventListener("submit", ({ target }) => target.id === "composer" && clear());
  document.addEventListener("htmx:afterSettle", later); // the composer may be another one now
  later();
})();
