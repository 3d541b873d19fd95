// Menus close where one clicks outside. Keys are in keys.js, marks in marks.js; everything works without scripts.

import { failure } from "./failure.js";

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

// Parts of a page that take longer come by themselves; without scripts they are links.
for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-load]"))) fill(part);

/** @param {HTMLElement} part */
async function fill(part) {
  const address = `${part.dataset.load}${part.dataset.load?.includes("?") ? "&" : "?"}part=1`;
  part.setAttribute("aria-busy", "true");
  const response = await fetch(address).catch(() => null);
  part.removeAttribute("aria-busy");
  if (response?.ok && !response.redirected) {
    part.innerHTML = await response.text();
    if (part.querySelector("[data-work]")) setTimeout(() => void (document.hidden ? again(part) : fill(part)), 5000);
  } else part.querySelector(".note, .notice")?.replaceWith(failure(response, () => void fill(part)));
}

/** A part whose page is hidden waits until it is shown. @param {HTMLElement} part */
function again(part) {
  document.addEventListener("visibilitychange", () => void fill(part), { once: true });
}

// The theme: as the device says, light, dark.
const theme = document.getElementById("theme");
theme?.removeAttribute("hidden");
theme?.addEventListener("click", () => {
  const root = document.documentElement;
  const next = { auto: "light", light: "dark", dark: "auto" }[root.dataset.theme ?? "auto"] ?? "auto";
  root.dataset.theme = next;
  document.cookie = `seismo_theme=${next === "auto" ? "" : next};path=/;samesite=lax;max-age=${next === "auto" ? 0 : 31536000}`;
  document.dispatchEvent(new Event("theme"));
});

// Commands get a button that copies them.
for (const command of document.querySelectorAll("[data-copy-label] pre")) {
  const button = document.createElement("button");
  button.className = "plain";
  button.textContent = command.closest("[data-copy-label]")?.getAttribute("data-copy-label") ?? "";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(command.textContent ?? "");
    button.textContent += " ✓";
  });
  command.after(button);
}
