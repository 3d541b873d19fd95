// Saves a mark without leaving the page. "Seen, next", and a page without scripts, send the form itself.

/** @param {HTMLFormElement} form @param {Record<string, unknown>} changes */
async function save(form, changes) {
  const value = (/** @type {string} */ name) => String(new FormData(form).get(name) ?? "");
  const state = form.querySelector(".state");
  const send = {
    method: "PATCH",
    headers: { "Content-Type": "application/json", "X-CSRFToken": value("csrfmiddlewaretoken") },
    body: JSON.stringify({ date: value("date") || null, note: value("note"), seen: true, ...changes }),
    keepalive: true,
  };
  try {
    const answer = await fetch(form.dataset.mark ?? "", send);
    const body = await answer.json();
    if (!answer.ok) throw new Error(`${answer.status} ${body.request_id ?? ""}`);
    show(form, body.tag);
    if (state) state.textContent = form.dataset.saved ?? "";
  } catch (error) {
    if (state) state.textContent = `${form.dataset.failed} ${error instanceof Error ? error.message : ""}`;
  }
}

/** @param {HTMLFormElement} form @param {string} tag */
function show(form, tag) {
  let label = "";
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (form.querySelectorAll("[data-tag]"))) {
    const pressed = button.dataset.tag === tag;
    button.setAttribute("aria-pressed", String(pressed));
    button.value = pressed ? "" : (button.dataset.tag ?? "");
    if (pressed) label = button.firstChild?.textContent?.trim() ?? "";
  }
  for (const badge of document.querySelectorAll(`[data-tag-of="${CSS.escape(form.dataset.code ?? "")}"]`)) {
    badge.className = `tag ${tag}`;
    badge.textContent = label;
  }
}

for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form[data-mark]"))) {
  form.addEventListener("submit", (event) => {
    const button = /** @type {HTMLButtonElement | null} */ (event.submitter);
    if (button?.name === "onward") return;
    event.preventDefault();
    void save(form, button?.name === "tag" ? { tag: button.value } : {});
  });
  form.querySelector("textarea")?.addEventListener("change", () => void save(form, {}));
}
