// The pane of investor flow below the chart: net buying since the first bar with flow, in 100 million of the currency.

/** @typedef {{date: string} & Record<string, number | null>} FlowRow */

export const INVESTORS = /** @type {const} */ (["foreign", "institution", "pension"]);

/** The rows of the flow, the earliest first, one for each session; none where they cannot be fetched. @param {string} address */
export async function fetchFlow(address) {
  const response = await fetch(`${address}?ordering=-date&limit=500`).catch(() => null);
  if (!response?.ok) return [];
  /** @type {{results: FlowRow[]}} */
  const { results } = await response.json();
  return [...new Map(results.map((row) => [row.date, row])).values()].reverse();
}

/** The sums of net buying by the bar that they belong to: those of a week are the bar's that ends it.
 * @param {FlowRow[]} rows @param {string[]} days the dates of the bars @param {string} investor */
export function cumulate(rows, days, investor) {
  /** @type {Map<string, number>} */
  const sums = new Map();
  let sum = 0;
  let at = 0;
  for (const row of rows) {
    while (at < days.length - 1 && days[at] < row.date) at += 1;
    sum += (row[`${investor}_net_value`] ?? 0) / 1e8;
    sums.set(days[at], sum);
  }
  return days.map((time) => (sums.has(time) ? { time, value: sums.get(time) } : { time }));
}
