// The chart of a stock over the API's bars: candles, volume, averages, RSI, investor flow, picks, corporate actions, the
// plan's lines.
// The drawing of the server stays in place where the library is missing or no bars come.

import { QUIET, openChart, token } from "./candlestick_chart.js";
import { failure } from "./failure.js";
import { INVESTORS, cumulate, fetchFlow } from "./flow.js";

/** @typedef {{date: string, open: number, high: number, low: number, close: number, volume: number, indicators: Record<string, number | null>}} Bar */
/** @typedef {{date: string, scanner_version: string, rank: number}} Mark */
/** @typedef {{bars: Bar[], marks: Mark[], factors: {date: string, factor: number}[]}} Answer */

const AVERAGES = /** @type {const} */ (["ema20", "ema60", "ema120"]);
const SHOWN = 130;
/** Pixels right of the latest bar: the labels of the plan's lines, which would hide the marks of picks. */
const LABELS = 50;
/** Pixels of the price scale. */
const PRICES = 72;
/** Bars that the label of a mark takes. */
const CLOSE = 6;
const box = /** @type {HTMLElement | null} */ (document.querySelector("figure[data-chart]"));
if (box) draw(box);

/** @param {HTMLElement} figure */
async function draw(figure) {
  const set = figure.dataset;
  /** @type {number[]} */
  let levels = [];
  /** The scale holds the plan's levels where they are near. @param {() => any} original */
  const autoscaleInfoProvider = (original) => {
    const range = original()?.priceRange;
    if (!range) return original();
    const reach = 0.8 * (range.maxValue - range.minValue) || 0.1 * range.maxValue;
    const near = levels.filter((level) => level > range.minValue - reach && level < range.maxValue + reach);
    return { priceRange: { minValue: Math.min(range.minValue, ...near), maxValue: Math.max(range.maxValue, ...near) } };
  };
  const drawn = await openChart(figure, { candles: { autoscaleInfoProvider } });
  if (!drawn) return;
  const { library, chart, canvas, candles, volume, number, price, amount } = drawn;
  const legend = /** @type {HTMLElement} */ (figure.querySelector(".legend"));
  const averages = AVERAGES.map(() => chart.addSeries(library.LineSeries, { ...QUIET, lineWidth: 1 }, 0));
  const rsi = chart.addSeries(library.LineSeries, { ...QUIET, lineWidth: 1, priceFormat: { type: "custom", formatter: (/** @type {number} */ value) => value.toFixed(0), minMove: 1 } }, 2);
  for (const level of [30, 70]) rsi.createPriceLine({ price: level, lineStyle: 2, lineWidth: 1, axisLabelVisible: false, color: token("--line") });
  /** @type {any[]} */
  let flows = [];
  /** @type {import("./flow.js").FlowRow[]} */
  let flowRows = [];
  const markers = library.createSeriesMarkers(candles, []);
  /** @type {any[]} */
  let lines = [];
  /** @type {Map<string, Bar>} */
  let bars = new Map();
  /** @type {Mark[]} */
  let marks = [];

  drawn.onPaint(() => {
    averages.forEach((series, n) => series.applyOptions({ color: token(`--line-${n + 1}`) }));
    flows.forEach((series, n) => series.applyOptions({ color: token(`--line-${n + 1}`) }));
    rsi.applyOptions({ color: token("--accent") });
  });

  /** The plan of the pick on the bars' scale, which later corporate actions have changed.
   * @param {Answer} answer @param {boolean} adjusted */
  function plan(answer, adjusted) {
    for (const line of lines) candles.removePriceLine(line);
    const later = answer.factors.filter((event) => event.date > (set.date ?? ""));
    const factor = adjusted ? later.reduce((product, event) => product * event.factor, 1) : 1;
    const names = ["target", "entry", "stop"].filter((name) => set[name]);
    levels = names.map((name) => Number(set[name]) * factor);
    lines = names.map((name, n) => {
      const colour = { target: "--up-fg", entry: "--accent", stop: "--down-fg" }[name] ?? "";
      const style = { lineStyle: 2, lineWidth: 1, axisLabelVisible: true, title: set[`${name}Name`] };
      return candles.createPriceLine({ ...style, price: levels[n], color: token(colour) });
    });
  }

  /** @param {Bar | undefined} bar */
  function tell(bar) {
    const last = bar ?? [...bars.values()].at(-1);
    if (!last) return;
    const parts = [last.date, ...[last.open, last.high, last.low, last.close].map((value) => price.format(value)), amount.format(last.volume)];
    legend.replaceChildren(...parts.map((text) => Object.assign(document.createElement("span"), { textContent: text })));
    AVERAGES.forEach((name, n) => {
      const value = last.indicators[name];
      const part = Object.assign(document.createElement("span"), { className: `line-${n + 1}`, textContent: `${name.toUpperCase()} ${value == null ? "–" : number.format(value)}` });
      legend.append(part);
    });
  }

  function query() {
    const chosen = (/** @type {string} */ name) => /** @type {HTMLInputElement} */ (figure.querySelector(`input[name=${name}]:checked`)).value;
    return new URLSearchParams({ period: "max", interval: chosen("interval"), adjusted: chosen("adjusted"), indicators: [...AVERAGES, "rsi14"].join() });
  }

  async function load() {
    const request = query();
    const response = await fetch(`${set.chart}?${request}`).catch(() => null);
    if (!response?.ok) {
      /** @type {HTMLElement} */ (figure.querySelector("[data-failed]")).replaceChildren(failure(response, begin));
      return false;
    }
    figure.querySelector("[data-failed]")?.replaceChildren();
    /** @type {Answer} */
    const answer = await response.json();
    bars = new Map(answer.bars.map((bar) => [bar.date, bar]));
    marks = answer.marks;
    drawn.setBars(answer.bars.map((bar) => ({ ...bar, time: bar.date })));
    averages.forEach((series, n) => series.setData(line(answer.bars, AVERAGES[n])));
    rsi.setData(line(answer.bars, "rsi14"));
    drawFlow();
    plan(answer, request.get("adjusted") === "true");
    const days = answer.bars.map((bar) => bar.date);
    const onBar = (/** @type {string} */ day) => days[Math.min(lower(days, day), days.length - 1)];
    const picks = group(marks, (mark) => onBar(mark.date));
    let labelled = -CLOSE;
    const shapes = [...picks].map(([day, some]) => {
      const isFree = days.indexOf(day) - labelled >= CLOSE;
      if (isFree) labelled = days.indexOf(day);
      const text = !isFree ? "" : some.length > 1 ? `${some.length}` : some[0].scanner_version;
      return { time: day, position: "belowBar", shape: "arrowUp", size: 0.7, color: token("--accent"), text };
    });
    const events = answer.factors.map((event) => ({ time: onBar(event.date), position: "aboveBar", shape: "circle", size: 0.7, color: token("--warn"), text: `×${Number(event.factor.toPrecision(4))}` }));
    markers.setMarkers([...shapes, ...events].sort((one, other) => (one.time < other.time ? -1 : 1)));
    drawn.paint();
    show();
    tell(undefined);
    return true;
  }

  function drawFlow() {
    flows.forEach((series, n) => series.setData(cumulate(flowRows, [...bars.keys()], INVESTORS[n])));
  }

  /** The pane of investor flow, where there is any. */
  async function addFlow() {
    flowRows = await fetchFlow(set.flows ?? "");
    if (!flowRows.length) return;
    flows = INVESTORS.map(() => chart.addSeries(library.LineSeries, { ...QUIET, lineWidth: 1 }, 3));
    drawFlow();
    drawn.paint();
    stretch();
    figure.classList.add("with-flow");
  }

  function stretch() {
    chart.panes().forEach((/** @type {any} */ pane, /** @type {number} */ n) => pane.setStretchFactor([6, 1.4, 1.6, 1.8][n]));
  }

  /** The bars of the next two picks, so that they are there when their pages come. */
  function prefetch() {
    for (const code of (set.onward ?? "").split(" ").filter(Boolean))
      fetch(`${set.chart?.replace(/[^/]+\/chart$/, `${encodeURIComponent(code)}/chart`)}?${query()}`, { priority: "low" }).catch(() => null);
  }

  /** The last bars, once the canvas has its width, and free space for the labels of the plan's lines. */
  function show() {
    const count = bars.size;
    const scale = chart.timeScale();
    if (!canvas.isConnected) return;
    requestAnimationFrame(() => {
      const width = canvas.clientWidth - PRICES - LABELS; // the scale's own width is 0 before its first drawing
      const free = width > LABELS ? Math.ceil((SHOWN * LABELS) / width) : 3;
      scale.setVisibleLogicalRange({ from: count - SHOWN, to: count + free });
    });
  }

  async function begin() {
    if (!(await load()) || canvas.isConnected) return;
    const scales = /** @type {HTMLElement} */ (figure.querySelector(".scales"));
    scales.hidden = false;
    scales.addEventListener("change", load);
    drawn.show();
    stretch();
    show();
    await addFlow();
    prefetch();
  }

  await begin();
  chart.subscribeCrosshairMove((/** @type {any} */ move) => tell(bars.get(String(move.time))));
  chart.subscribeClick((/** @type {any} */ move) => {
    const mark = marks.find((one) => one.date === move.time);
    if (mark) location.search = String(new URLSearchParams({ scanner_version: mark.scanner_version, date: mark.date }));
  });
  Object.assign(figure, { chart, candles, lines: () => lines, markers: () => markers.markers() });
}

/** @param {Bar[]} bars @param {string} name */
function line(bars, name) {
  return bars.map((bar) => (bar.indicators[name] == null ? { time: bar.date } : { time: bar.date, value: bar.indicators[name] }));
}

/** The place of the first day that is not before `day`. @param {string[]} days @param {string} day */
function lower(days, day) {
  const at = days.findIndex((one) => one >= day);
  return at < 0 ? days.length - 1 : at;
}

/** @template T @param {T[]} rows @param {(row: T) => string} key @returns {Map<string, T[]>} */
function group(rows, key) {
  /** @type {Map<string, T[]>} */
  const groups = new Map();
  for (const row of rows) groups.set(key(row), [...(groups.get(key(row)) ?? []), row]);
  return groups;
}
