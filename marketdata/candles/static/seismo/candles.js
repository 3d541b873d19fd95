// The chart of a coin's candles over the API: prices, volume, and below them which slots are verified.
// The drawing of the server stays in place where the library is missing or no candles come.

import { QUIET, openChart, token } from "./candlestick_chart.js";
import { failure } from "./failure.js";

/** @typedef {{opened: string, open: number | null, high: number | null, low: number | null, close: number | null, volume: number | null, empty: boolean}} Candle */
/** @typedef {{from: string, to: string, reason: string}} Gap */

const COLOURS = /** @type {Record<string, string>} */ ({ unverified: "--bad", before_listing: "--hover", no_trades: "--line", forming: "--line" });
const SHOWN = 180;
const box = /** @type {HTMLElement | null} */ (document.querySelector("figure[data-candles][data-library]"));
if (box) draw(box);

/** @param {HTMLElement} figure */
async function draw(figure) {
  const { candles: address, query, offset } = figure.dataset;
  const drawn = await openChart(figure, { timeScale: { timeVisible: true } });
  if (!drawn) return;
  drawn.chart.applyOptions({ localization: { priceFormatter: drawn.price.format } });
  const coverage = drawn.chart.addSeries(drawn.library.HistogramSeries, { ...QUIET, base: 0, priceScaleId: "" }, 2);
  /** @type {Candle[]} */
  let candles = [];
  /** @type {Gap[]} */
  let gaps = [];
  /** The time of the chart is that of the market's clock. @param {string} moment */
  const time = (moment) => Date.parse(moment) / 1000 + Number(offset);

  drawn.onPaint(() => {
    const good = token("--good");
    let at = 0;
    coverage.setData(candles.map((candle) => {
      while (at < gaps.length && gaps[at].to <= candle.opened) at += 1;
      const reason = candle.empty && gaps[at]?.from <= candle.opened ? gaps[at].reason : "";
      return { time: time(candle.opened), value: 1, color: candle.empty ? token(COLOURS[reason] ?? "--line") : good };
    }));
  });

  /** @param {Candle | undefined} candle */
  function tell(candle) {
    if (!candle) return;
    const { amount } = drawn;
    const price = (/** @type {number | null} */ value) => (value == null ? "–" : drawn.price.format(value));
    const texts = candle.empty ? [] : [`O ${price(candle.open)}`, `H ${price(candle.high)}`, `L ${price(candle.low)}`, `C ${price(candle.close)}`, `V ${amount.format(candle.volume)}`];
    const when = new Date(1000 * time(candle.opened)).toISOString().slice(0, 16).replace("T", " ");
    const parts = [when, ...texts].map((textContent) => Object.assign(document.createElement("span"), { textContent }));
    figure.querySelector(".legend")?.replaceChildren(...parts);
  }

  async function load() {
    const answers = await Promise.all([`${address}?${query}&empty=null`, `${address}/coverage?${query}`].map((url) => fetch(url).catch(() => null)));
    const failed = answers.find((answer) => !answer?.ok);
    if (failed !== undefined) {
      /** @type {HTMLElement} */ (figure.querySelector("[data-failed]")).replaceChildren(failure(failed, load));
      return;
    }
    figure.querySelector("[data-failed]")?.replaceChildren();
    const [first, second] = await Promise.all(answers.map((answer) => answer?.json()));
    candles = first.candles;
    gaps = second.gaps;
    drawn.setBars(candles.map(({ opened, ...prices }) => ({ ...prices, time: time(opened) })));
    drawn.paint();
    drawn.show();
    [6, 1.4, 0.3].forEach((factor, pane) => drawn.chart.panes()[pane].setStretchFactor(factor));
    tell(candles.at(-1));
    requestAnimationFrame(() => drawn.chart.timeScale().setVisibleLogicalRange({ from: candles.length - SHOWN, to: candles.length + 3 }));
  }

  await load();
  drawn.chart.subscribeCrosshairMove((/** @type {any} */ move) => tell(candles.find((candle) => time(candle.opened) === move.time) ?? candles.at(-1)));
  Object.assign(figure, { chart: drawn.chart, candles: drawn.candles });
}
