// Keys of the pages. Rows have the real focus (roving tabindex); an element with data-key="x" is clicked by x, a field
// is focused. Keys in fields are text, but Escape leaves a field.

const live = document.getElementById("live");
const rows = () => [...document.querySelectorAll("tr[data-row]")].filter((row) => row.checkVisibility());
/** @param {Element | undefined} row */
const linkOf = (row) => /** @type {HTMLElement | null | undefined} */ (row?.querySelector("a"));
const indexOfFocus = () => rows().findIndex((row) => row.contains(document.activeElement));

/** @param {string | null | undefined} text */
function say(text) {
  if (live && text) live.textContent = text;
}

/** One link of all rows is in the tab order: the focused one, at first that of the current row. @param {Element | undefined} current */
function rove(current) {
  for (const row of rows()) {
    row.classList.toggle("current", row === current);
    linkOf(row)?.setAttribute("tabindex", row === current ? "0" : "-1");
  }
}

/** @param {number} place */
function focusRow(place) {
  const all = rows();
  const row = all[Math.min(Math.max(place, 0), all.length - 1)];
  linkOf(row)?.focus();
  row?.scrollIntoView({ block: "nearest" });
  if (row) say(`${all.indexOf(row) + 1}/${all.length} ${linkOf(row)?.textContent}`);
}

/** @param {number} step */
function move(step) {
  const at = indexOfFocus();
  focusRow(at < 0 ? rows().findIndex((row) => row.hasAttribute("aria-current")) : at + step);
}

async function copy() {
  const source = rows()[indexOfFocus()] ?? document.querySelector("[data-copy]");
  const text = source?.getAttribute("data-copy");
  if (!text || document.querySelector("main.stale")) return;
  await navigator.clipboard.writeText(text);
  say(text);
}

/** @param {string} selector */
function follow(selector) {
  const element = /** @type {HTMLElement | null} */ (document.querySelector(selector));
  element?.click();
  return element !== null;
}

let block = -1;
function nextVersion() {
  const all = [...document.querySelectorAll(".block[id]")];
  if (!all.length) return;
  block = (block + 1) % all.length;
  all[block].scrollIntoView({ block: "start" });
  linkOf(all[block])?.focus();
}

/** The keys of the page of help, in a dialog. */
async function list() {
  let dialog = /** @type {HTMLDialogElement | null} */ (document.querySelector("dialog.keys"));
  if (!dialog) {
    const answer = await fetch("/help");
    const terms = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("keys");
    if (!terms) return location.assign("/help");
    dialog = document.body.appendChild(document.createElement("dialog"));
    dialog.className = "keys block";
    dialog.append(terms);
  }
  dialog.showModal();
}

/** @type {Record<string, () => unknown>} */
const KEYS = {
  j: () => move(1),
  ArrowDown: () => move(1),
  k: () => move(-1),
  ArrowUp: () => move(-1),
  "[": () => follow('a[rel="prev"]'),
  "]": () => follow('a[rel="next"]'),
  "/": () => document.getElementById("search")?.focus(),
  c: copy,
  v: nextVersion,
  g: () => {
    const menu = document.getElementById("markets");
    menu?.toggleAttribute("open", true);
    menu?.querySelector("a")?.focus();
  },
  Escape: () => follow("details.menu[open] > summary"),
  "?": list,
};

/** @param {string} key */
function act(key) {
  const element = /** @type {HTMLElement | null} */ (document.querySelector(`[data-key="${CSS.escape(key)}"]`));
  if (key === "Escape" && KEYS.Escape()) return true;
  if (!element) return key in KEYS && (KEYS[key](), true);
  if (element.matches("input, textarea")) element.focus();
  else element.click();
  return true;
}

document.addEventListener("keydown", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (target.closest("input, select, textarea")) {
    if (event.key === "Escape") target.blur();
    return;
  }
  if (event.key === " " && target.closest("button, summary")) return;
  if (act(event.key)) event.preventDefault();
});

document.addEventListener("focusin", (event) => {
  const row = /** @type {Element} */ (event.target).closest("tr[data-row]");
  if (row) rove(row);
});

// A stock or a pick is announced, and the list that one comes back to has the focus on its row.
const shown = document.querySelector("[data-code][data-say]");
const last = sessionStorage.getItem("code");
if (shown) {
  sessionStorage.setItem("code", shown.getAttribute("data-code") ?? "");
  say(shown.getAttribute("data-say"));
} else if (last && document.referrer.startsWith(location.origin)) {
  const place = rows().findIndex((row) => linkOf(row)?.matches(`[href*="/s/${CSS.escape(last)}?"]`));
  if (place >= 0) focusRow(place);
}
if (indexOfFocus() < 0) rove(rows().find((row) => row.hasAttribute("aria-current")) ?? rows()[0]);
