// Files: picked, pasted or dropped, sent ahead of the message one by one, and shown above it.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const on = (type, handler, capture) => document.addEventListener(type, handler, capture);
  const say = (text) => { $("#notice").textContent = text; };
  const token = () => $('#act [name="csrfmiddlewaretoken"]').value;
  let coming = 0;

  const add = async (file) => {
    const list = $("#attached");
    const place = document.createElement("li");
    place.className = "coming";
    place.textContent = `${file.name || "picture"}…`;
    list.append(place);
    coming += 1;
    try {
      const form = new FormData();
      form.append("upload", file, file.name || "pasted.png");
      const headers = { "X-CSRFToken": token() };
      const answer = await fetch(list.dataset.url, { method: "POST", body: form, headers });
      const text = await answer.text();
      if (!answer.ok || answer.redirected) {
        place.remove();
        const told = answer.status === 422;
        say(told ? text : answer.status === 413 ? "This file is too large." : "The file could not be sent. Try again in a moment.");
        return;
      }
      const holder = document.createElement("template");
      holder.innerHTML = text;
      place.replaceWith(holder.content);
    } catch {
      place.remove();
      say("The server cannot be reached. Try again in a moment.");
    } finally {
      coming -= 1;
    }
  };
  // What the picked model cannot take is not sent ahead. Auto has no such list: it picks another.
  const SENSES = [["image/", "image", "see pictures"], ["audio/", "audio", "listen to recordings"]];
  const lacks = (file) => {
    const picked = $("#picker [name=model]:checked");
    const sense = SENSES.find(([type]) => file.type.startsWith(type));
    if (!sense || !picked?.dataset.takes || picked.dataset.takes.split(" ").includes(sense[1])) return "";
    return `${picked.dataset.name} cannot ${sense[2]}: pick another model, or Auto.`;
  };
  const addAll = (all) => {
    const files = [...all].filter((file) => !lacks(file));
    const reason = [...all].map(lacks).find(Boolean);
    if (reason) say(reason);
    const most = Number($("#attached").dataset.most);
    const room = most - $("#attached").childElementCount;
    if (files.length > room) say(`At most ${most} files can go with one message.`);
    for (const file of files.slice(0, Math.max(0, room))) add(file);
  };

  on("change", ({ target }) => {
    if (!target.matches(".attach input")) return;
    addAll(target.files);
    target.value = ""; // they are on their way by themselves
  });
  on("paste", (event) => {
    if (event.target.id !== "prompt" || !event.clipboardData?.files.length) return;
    if (event.clipboardData.types.includes("text/plain")) return; // cells and the like come as both
    event.preventDefault();
    addAll(event.clipboardData.files);
  });
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  const mark = (isOver) => $(".box")?.classList.toggle("dropping", isOver);
  on("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault(); // a file that misses would take the place of the page
    mark(Boolean(event.target.closest?.("#main")));
  });
  on("dragleave", (event) => { if (!event.relatedTarget) mark(false); });
  on("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    mark(false);
    if (event.target.closest?.("#main")) addAll(event.dataTransfer.files);
  });
  on("click", ({ target }) => {
    const button = target.closest(".detach");
    if (!button) return;
    button.parentElement.remove();
    $("#prompt").focus();
  });
  addEventListener("submit", (event) => { // on the window: ahead of everybody else
    if (event.target.id !== "composer" || !coming) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    say("A file is still on its way. Send again in a moment.");
  }, true);
  on("htmx:afterRequest", ({ detail }) => {
    if (detail.requestConfig.elt.id === "composer" && detail.successful) $("#attached")?.replaceChildren();
  });
})();
