"use strict";
(() => {
  const EVERY = 800, PATIENCE = 5000; // milliseconds
  const byId = (id) => document.getElementById(id);
  const rows = (root) => new Map([...root.querySelectorAll(".row")].map((row) => [row.id, row.outerHTML]));
  let version = byId("board").dataset.version;
  let known = rows(document);

  function show(fresh) {
    const focused = document.activeElement && document.activeElement.id;
    const open = [...document.querySelectorAll("details[open]")].map((details) => details.id);
    document.title = fresh.title;
    byId("icon").href = fresh.getElementById("icon").getAttribute("href");
    // The live region stays and its text changes: only then is it read aloud.
    const summary = fresh.getElementById("summary").textContent;
    if (byId("summary").textContent !== summary) byId("summary").textContent = summary;
    const seen = rows(fresh);
    for (const row of fresh.querySelectorAll(".row")) {
      if (known.get(row.id) !== row.outerHTML) row.classList.add("changed");
    }
    for (const id of ["facts", "board"]) byId(id).replaceWith(document.adoptNode(fresh.getElementById(id)));
    known = seen;
    version = byId("board").dataset.version;
    for (const id of open) if (byId(id)) byId(id).open = true;
    if (focused && byId(focused)) byId(focused).focus({ preventScroll: true });
  }

  async function look() {
    const answer = await fetch("/", {
      headers: { "If-None-Match": version }, cache: "no-store", signal: AbortSignal.timeout(PATIENCE),
    });
    if (answer.status === 304) return;
    if (!answer.ok) throw new Error(answer.statusText);
    show(new DOMParser().parseFromString(await answer.text(), "text/html"));
  }

  let timer, busy = false;
  async function keepLooking() {
    clearTimeout(timer);
    if (busy) return;
    busy = true;
    if (!document.hidden) {
      try {
        await look();
        byId("lost").hidden = true;
      } catch {
        byId("lost").hidden = false;
      }
    }
    busy = false;
    timer = setTimeout(keepLooking, EVERY);
  }
  // Browsers slow the timers of hidden pages down; who comes back should not wait for one.
  document.addEventListener("visibilitychange", keepLooking);
  keepLooking();
})();
