// Suggestions below the field of the search: links, reached by the arrow keys. Without scripts the form is sent.

const field = /** @type {HTMLInputElement | null} */ (document.getElementById("search"));
const form = field?.form;
/** @type {HTMLElement | null} */
let list = null;
let timer = 0;

if (field && form) {
  field.autocomplete = "off";
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => void suggest(field.value.trim()), 120);
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if ((event.key !== "ArrowDown" && event.key !== "ArrowUp") || !list) return;
    const stops = [field, .../** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll("a"))];
    const at = stops.findIndex((stop) => stop === document.activeElement);
    stops[(at + (event.key === "ArrowDown" ? 1 : stops.length - 1)) % stops.length].focus();
    event.preventDefault();
    event.stopPropagation();
  });
  form.addEventListener("focusout", (event) => {
    if (!form.contains(/** @type {Node | null} */ (event.relatedTarget))) close();
  });
}

/** @param {string} text */
async function suggest(text) {
  if (!text || !form || !field) return close();
  const answer = await fetch(`${form.action}?${new URLSearchParams({ q: text, part: "1" })}`).catch(() => null);
  if (!answer?.ok || answer.redirected || field.value.trim() !== text) return;
  if (!list) {
    list = form.appendChild(document.createElement("div"));
    list.className = "suggestions";
    list.setAttribute("aria-live", "polite");
  }
  list.innerHTML = await answer.text();
}

function close() {
  clearTimeout(timer);
  list?.remove();
  list = null;
}
