"use strict";
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  const label = button.textContent;
  const said = document.getElementById("said");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = said.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = label; said.textContent = ""; }, 2500);
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
  let paused = false, seen = null;
  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    [pause.textContent, pause.dataset.other] = [pause.dataset.other, pause.textContent];
  });
  new EventSource("/api/v1/events").addEventListener("servers", async (event) => {
    const first = seen === null;
    if (seen === event.lastEventId || paused || document.hidden) return;
    seen = event.lastEventId;
    if (first) return;
    await new Promise((later) => setTimeout(later, Math.random() * 1500)); // not all watchers at once
    const answer = await fetch(location.href).catch(() => null);
    if (!answer?.ok || paused) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    morph(live, page.querySelector("[data-live]"));
  });
}
