// A request that failed: a sentence, the request's identifier, a button. What is on the screen stays.

/**
 * @param {Response | null} response null: offline
 * @param {() => void} again
 */
export function failure(response, again) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById("failure"));
  const notice = /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
  const kind = !response ? "offline" : response.redirected ? "401" : String(response.status);
  const text = notice.querySelector(`[data-kind="${kind}"]`) ?? notice.querySelector('[data-kind="500"]');
  text?.removeAttribute("hidden");
  const id = response?.headers.get("X-Request-ID");
  if (id) notice.append(Object.assign(document.createElement("small"), { textContent: id }));
  notice.querySelector("button")?.addEventListener("click", again);
  return notice;
}
