"use strict";
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  const label = button.textContent;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = button.dataset.done;
    document.getElementById("said").textContent = button.dataset.done;
    setTimeout(() => { button.textContent = label; document.getElementById("said").textContent = ""; }, 2500);
  });
}
const live = document.querySelector("[data-live]");
if (live && window.EventSource) {
  const here = new EventSource("/api/v1/events");
  let seen = null;
  here.addEventListener("servers", async (event) => {
    if (seen === null || document.hidden) { seen = event.lastEventId; return; }
    if (seen === event.lastEventId) return;
    seen = event.lastEventId;
    await new Promise((later) => setTimeout(later, Math.random() * 1500));
    const answer = await fetch(location.href);
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-live]");
    if (!fresh) return;
    const scrolled = live.querySelector(".scroll")?.scrollLeft ?? 0;
    live.replaceChildren(...fresh.childNodes);
    const scroll = live.querySelector(".scroll");
    if (scroll) scroll.scrollLeft = scrolled;
  });
}
