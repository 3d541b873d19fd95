// Prices beside picks and signals while the session trades, and how far they are from target and stop: read every half
// minute in continuous trading alone, never while the page is hidden. Without an answer nothing is shown, and nothing
// stays once its price is old or the session has ended.

/** @typedef {{code: string, price: number, change_pct: number | null, open: number | null, base_price: number | null, read_at: string, phase: string}} Quote */

const PAUSE = 30_000;
const OLD = 90_000;
const MOST = 90;
const TIMER = 2 ** 31 - 1;
const set = document.getElementById("main")?.dataset ?? {};
const [from, until] = [Date.parse(set.quotesFrom ?? ""), Date.parse(set.quotesUntil ?? "")];
const note = document.getElementById("quotes");
const places = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-now]"));
const codes = [...new Set([...places].map((place) => place.dataset.now ?? ""))].slice(0, MOST);

let readAt = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** @param {number} milliseconds */
function wait(milliseconds) {
  clearTimeout(timer);
  timer = setTimeout(turn, Math.min(Math.max(milliseconds, 0), TIMER));
}

/** What is due now: nothing before and after the hours and while the page is hidden. */
function turn() {
  const now = Date.now();
  if (now >= until) return clear();
  if (now < from) return wait(from - now);
  if (now - readAt > OLD) clear();
  if (!document.hidden) void read();
}

async function read() {
  const answer = await fetch(`${set.quotes}?codes=${encodeURIComponent(codes.join(","))}`).catch(() => null);
  const body = answer?.ok && !answer.redirected ? await answer.json() : null;
  readAt = Date.now();
  if (!body) clear();
  else show(body.quotes, body.currency);
  const failed = answer && !body;
  if (answer?.redirected || (failed && [400, 401, 403, 404].includes(answer.status))) return;
  wait(Math.min(failed ? 2 * PAUSE : PAUSE, until - Date.now()));
}

/** Those that traded today: the price of another is of an earlier session. @param {Quote[]} quotes @param {string} currency */
function show(quotes, currency) {
  const live = quotes.filter((quote) => quote.phase === "continuous" && quote.open !== null);
  const byCode = new Map(live.map((quote) => [quote.code, quote]));
  for (const place of places) {
    const quote = byCode.get(place.dataset.now ?? "");
    place.textContent = quote ? text(place, quote, currency) : "";
    place.hidden = !place.textContent;
    if (quote && !place.dataset.level) place.className = `now ${direction(quote.change_pct ?? 0)}`;
  }
  const oldest = Math.min(...live.map((quote) => Date.parse(quote.read_at)));
  const time = note?.querySelector("time");
  if (!note || !time) return;
  note.hidden = !live.length;
  if (!live.length) return;
  const options = /** @type {const} */ ({ timeStyle: "medium", hourCycle: "h23", timeZone: set.zone });
  time.dateTime = new Date(oldest).toISOString();
  time.textContent = new Intl.DateTimeFormat("en", options).format(oldest);
}

/** The price with its change; of a level how far it is from the price, unless a corporate action lies between them: then
 * the base price of the day is not the close that the level belongs to.
 * @param {HTMLElement} place @param {Quote} quote @param {string} currency */
function text(place, quote, currency) {
  const level = Number(place.dataset.level);
  if (!place.dataset.level) return `${price(quote.price, currency)}${quote.change_pct === null ? "" : ` ${percent(quote.change_pct, 2)}`}`;
  const base = (quote.base_price ?? 0) / Number(place.dataset.close) - 1;
  return Math.abs(base) < 0.0005 ? percent(100 * (level / quote.price - 1), 1) : "";
}

/** @param {number} value @param {string} currency */
function price(value, currency) {
  const [small, digits] = currency === "KRW" ? [100, 0] : [1, 2];
  const options = value < small ? { maximumSignificantDigits: 4 } : { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return value.toLocaleString("en", options);
}

/** @param {number} value @param {number} digits */
function percent(value, digits) {
  const number = Math.abs(value).toFixed(digits);
  return `${Number(number) === 0 ? "" : value > 0 ? "+" : "\u2212"}${number} %`;
}

/** @param {number} value */
function direction(value) {
  return value > 0 ? "up" : value < 0 ? "down" : "flat";
}

function clear() {
  for (const place of [...places, note]) if (place) place.hidden = true;
}

if (codes.length && from < until) {
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : wait(readAt ? PAUSE - (Date.now() - readAt) : 0)));
  turn();
}
