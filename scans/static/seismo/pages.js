// Menus close where one clicks outside. Keys are in keys.js, marks in marks.js; everything works without scripts.

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
