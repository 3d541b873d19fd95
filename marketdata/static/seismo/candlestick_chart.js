// An interactive candlestick chart in a figure: the library, its canvas with prices and volume, the theme's colours.
// The drawing of the server stays in place where the library is missing.

/** @typedef {{time: string | number, open?: number, high?: number, low?: number, close?: number, volume?: number}} Candlestick */

/** A colour of the theme. @param {string} name */
export function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Properties of a series of lines or bars beside the prices. */
export const QUIET = { priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: false };

/** The chart of `figure.dataset.library`, not on the page yet; null, and the note shown, where the library is missing.
 * @param {HTMLElement} figure
 * @param {{candles?: object, timeScale?: object}} [options]
 * @returns {Promise<any>} */
export async function openChart(figure, options = {}) {
  const set = figure.dataset;
  const lang = document.documentElement.lang;
  const digits = set.currency === "KRW" ? 0 : 2;
  const number = new Intl.NumberFormat(lang, { maximumFractionDigits: digits });
  const price = new Intl.NumberFormat(lang, { minimumFractionDigits: digits, maximumSignificantDigits: 10 });
  const amount = new Intl.NumberFormat(lang, { notation: "compact", maximumFractionDigits: 1 });
  /** @type {any} */
  let library;
  try {
    library = await import(/** @type {string} */ (set.library));
  } catch {
    figure.querySelector("[data-plain]")?.removeAttribute("hidden");
    return null;
  }
  const canvas = document.createElement("div");
  canvas.className = "canvas";
  const chart = library.createChart(canvas, {
    autoSize: true,
    layout: { attributionLogo: true, fontFamily: getComputedStyle(document.body).fontFamily, panes: { enableResize: false } },
    localization: { locale: lang, priceFormatter: (/** @type {number} */ value) => number.format(value) },
    rightPriceScale: { borderVisible: false },
    timeScale: { borderVisible: false, rightOffset: 4, ...options.timeScale },
    crosshair: { mode: 0 },
    handleScroll: { vertTouchDrag: false },
  });
  const candles = chart.addSeries(library.CandlestickSeries, { priceLineVisible: false, borderVisible: false, ...options.candles }, 0);
  const volume = chart.addSeries(library.HistogramSeries, { ...QUIET, priceFormat: { type: "custom", formatter: amount.format, minMove: 1 } }, 1);
  /** @type {Candlestick[]} */
  let bars = [];
  /** @type {(() => void)[]} */
  const painters = [];

  function paint() {
    const [up, down, ink, muted, line] = ["--up-fg", "--down-fg", "--ink", "--muted", "--line"].map(token);
    chart.applyOptions({
      layout: { background: { color: token("--card") }, textColor: muted, panes: { separatorColor: line } },
      grid: { vertLines: { visible: false }, horzLines: { color: line } },
      crosshair: { vertLine: { color: muted, labelBackgroundColor: ink }, horzLine: { color: muted, labelBackgroundColor: ink } },
    });
    candles.applyOptions({ upColor: up, downColor: down, wickUpColor: up, wickDownColor: down });
    volume.setData(bars.map((bar) => (bar.close == null ? { time: bar.time } : { time: bar.time, value: bar.volume, color: (bar.close >= (bar.open ?? 0) ? up : down) + "66" })));
    for (const painter of painters) painter();
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  document.addEventListener("theme", paint);
  return {
    library, chart, canvas, candles, volume, number, price, amount, paint,
    /** Calls `painter` whenever colours change. @param {() => void} painter */
    onPaint: (painter) => painters.push(painter),
    /** @param {Candlestick[]} rows */
    setBars(rows) {
      bars = rows;
      candles.setData(rows.map(({ time, open, high, low, close }) => (close == null ? { time } : { time, open, high, low, close })));
    },
    /** Puts the canvas in the place of the drawing. */
    show() {
      figure.querySelector("[data-drawing], svg")?.remove();
      figure.insertBefore(canvas, figure.querySelector("figcaption"));
      figure.classList.add("drawn");
    },
  };
}
