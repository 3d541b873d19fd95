// Keys of the pages: rows, sessions, versions, search, copy. Everything else works without scripts.

const rows = () => [...document.querySelectorAll("tr[data-row]")].filter((row) => row.offsetParent !== null);
const live = document.getElementById("live");

/** @param {string} text */
function say(text) {
  if (live) live.textContent = text;
}

function current() {
  return rows().findIndex((row) => row.contains(document.activeElement));
}

/** @param {number} step */
function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = current();
  const next = Math.min(Math.max(at + step, 0), all.length - 1);
  const link = all[at < 0 ? 0 : next].querySelector("a");
  link?.focus();
  link?.scrollIntoView({ block: "nearest" });
  say(`${(at < 0 ? 0 : next) + 1}/${all.length} ${link?.textContent ?? ""}`);
}

async function copy() {
  const row = rows()[current()];
  const text = row?.getAttribute("data-copy");
  if (!text || document.querySelector("main.stale")) return;
  await navigator.clipboard.writeText(text);
  say(text);
}

/** @param {string} selector */
function follow(selector) {
  /** @type {HTMLElement | null} */ (document.querySelector(selector))?.click();
}

let block = -1;
function nextVersion() {
  const all = [...document.querySelectorAll(".block[id]")];
  if (!all.length) return;
  block = (block + 1) % all.length;
  all[block].scrollIntoView({ block: "start" });
  all[block].querySelector("a")?.focus();
}

/** @type {Record<string, () => void>} */
const KEYS = {
  j: () => move(1),
  ArrowDown: () => move(1),
  k: () => move(-1),
  ArrowUp: () => move(-1),
  "[": () => follow('a[rel="prev"]'),
  "]": () => follow('a[rel="next"]'),
  "/": () => document.getElementById("search")?.focus(),
  c: () => void copy(),
  v: nextVersion,
  g: () => {
    const menu = document.getElementById("markets");
    menu?.toggleAttribute("open", true);
    menu?.querySelector("a")?.focus();
  },
  Escape: () => {
    if (document.referrer.startsWith(location.origin) && location.pathname.includes("/s/")) history.back();
  },
  "?": () => location.assign("/help"),
};

document.addEventListener("keydown", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (target.closest("input, select, textarea")) {
    if (event.key === "Escape") target.blur();
    return;
  }
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]"))
    if (!menu.contains(/** @type {Node} */ (event.target))) menu.removeAttribute("open");
});

// While something runs, the status is read again every five seconds; once it has ended, the page.
const status = document.getElementById("status");
if (status?.hasAttribute("data-work"))
  setInterval(async () => {
    if (document.hidden) return;
    const answer = await fetch(location.href).catch(() => null);
    if (!answer?.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("status");
    if (!fresh?.hasAttribute("data-work")) location.reload();
    else status.replaceChildren(...fresh.childNodes);
  }, 5000);
