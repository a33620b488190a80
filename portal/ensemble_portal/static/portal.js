"use strict";
/* Without the clipboard (over HTTP there is none) the old way, which needs the text selected on the page. */
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  getSelection().selectAllChildren(document.querySelector(".room-link"));
  if (!document.execCommand("copy")) throw new Error("the browser does not copy");
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  const label = button.textContent;
  const said = document.getElementById("said");
  button.addEventListener("click", async () => {
    button.textContent = said.textContent = await copy(button.dataset.copy).then(
      () => button.dataset.done,
      () => button.dataset.failed,
    );
    setTimeout(() => { button.textContent = label; said.textContent = ""; }, 2500);
  });
}

for (const button of document.querySelectorAll("[data-share]")) {
  if (!navigator.share) break;
  button.hidden = false;
  button.addEventListener("click", () => navigator.share({ title: document.title, url: button.dataset.share }).catch(() => {}));
}

/* The moment that was typed is one of this browser's time zone. */
for (const form of document.querySelectorAll("[data-moment]")) {
  form.addEventListener("submit", () => {
    const { at, zone } = form.elements;
    zone.value = at.value ? -new Date(at.value).getTimezoneOffset() : "";
  });
}

/* Rooms that this browser has seen, kept here and nowhere else, until somebody forgets them. */
const recent = {
  key: "ensemble-recent",
  most: 8,
  read() {
    try { return JSON.parse(localStorage.getItem(this.key) ?? "[]").filter((room) => room.name && room.path?.startsWith("/")); }
    catch { return []; }
  },
  add(room) {
    const others = this.read().filter((other) => other.path !== room.path);
    try { localStorage.setItem(this.key, JSON.stringify([room, ...others].slice(0, this.most))); } catch { /* not allowed */ }
  },
  forget() { try { localStorage.removeItem(this.key); } catch { /* not allowed */ } },
};
const shown = document.querySelector("[data-room]");
if (shown) recent.add({ name: shown.dataset.room, path: shown.dataset.path });
const list = document.querySelector("[data-recent]");
if (list) {
  const rooms = recent.read();
  list.hidden = rooms.length === 0;
  list.querySelector("ul").replaceChildren(...rooms.map(({ name, path }) => {
    const link = Object.assign(document.createElement("a"), { href: path, textContent: name });
    const item = document.createElement("li");
    item.append(link);
    return item;
  }));
  list.querySelector("button").addEventListener("click", () => {
    recent.forget();
    list.hidden = true;
    document.getElementById("name").focus();
  });
}

/* Asks again for what could not be had, when the portal said; not all visitors at once. */
const retry = document.querySelector("[data-retry]");
if (retry) {
  const words = retry.querySelector("[data-retry-words]");
  const [said, stop] = words.children;
  let left = Number(retry.dataset.retry) + Math.ceil(Math.random() * 3);
  const tick = () => {
    said.textContent = words.dataset.retryWords.replace("{n}", left);
    if (left-- <= 0) { clearInterval(clock); retry.submit(); }
  };
  const clock = setInterval(tick, 1000);
  words.hidden = false;
  tick();
  stop.addEventListener("click", () => { clearInterval(clock); words.hidden = true; retry.querySelector("button").focus(); });
}

/* Says so while a name is typed that strangers may come upon (as names.is_guessable does). */
const field = document.getElementById("name");
if (field) {
  const note = document.getElementById("guessable");
  const isGuessable = (name) => {
    const letters = name.match(/[\p{L}\p{N}]/gu) ?? [];
    return letters.length < 16 || new Set(letters).size < 6 || (name.split(/[^\p{L}\p{N}]+/u).length < 4 && !/\d/.test(name));
  };
  field.addEventListener("input", () => {
    const name = field.value.trim().toLowerCase();
    const words = name && !name.includes("/") && isGuessable(name) ? note.dataset.words : "";
    if (note.textContent !== words) note.textContent = words;
  });
}

/* Makes `old` look like `now` and touches only what differs: focus, scrolling and screen readers stay where they are. */
function morph(old, now) {
  if (old.nodeName !== now.nodeName || old.childNodes.length !== now.childNodes.length) { old.replaceWith(now); return; }
  if (old.nodeType === Node.TEXT_NODE) { if (old.data !== now.data) old.data = now.data; return; }
  for (const { name, value } of now.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const name of old.getAttributeNames()) if (!now.hasAttribute(name)) old.removeAttribute(name);
  const wanted = [...now.childNodes];
  [...old.childNodes].forEach((child, place) => morph(child, wanted[place]));
}

const live = document.querySelector("[data-live]");
if (live && window.EventSource) {
  const pause = document.querySelector("[data-pause]");
  let paused = false;
  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    [pause.textContent, pause.dataset.other] = [pause.dataset.other, pause.textContent];
  });
  let behind = false;
  const follow = async () => {
    if (!behind || paused || document.hidden) return;
    behind = false;
    await new Promise((later) => setTimeout(later, Math.random() * 1500)); // not all watchers at once
    const answer = await fetch(location.href).catch(() => null);
    if (!answer?.ok || paused) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    morph(live, page.querySelector("[data-live]"));
  };
  const events = new EventSource("/api/v1/events");
  events.addEventListener("servers", ({ data }) => {
    behind = JSON.parse(data).updated_at !== live.dataset.live;
    follow();
  });
  events.addEventListener("changes", ({ data }) => {
    const { servers, gone } = JSON.parse(data);
    behind ||= servers.length + gone.length > 0;
    follow();
  });
}
