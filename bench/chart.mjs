import { median, spread } from "./figures.mjs";

const width = 860;
const labelWidth = 150;
const barLeft = labelWidth + 10;
const barWidth = 470;
const barHeight = 14;
const rowHeight = 19;

/** Colours of both looks; fills differ in lightness too, and each bar is labelled. */
const style = `text{font:12px system-ui,sans-serif;fill:#1f2328}.head{font-weight:600;font-size:14px}.note{fill:#59636e}
.bar{fill:#8c959f}.own{fill:#0969da}.spread{stroke:#1f2328;stroke-width:1.5}.page{fill:#fff}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.note{fill:#9198a1}.bar{fill:#656c76}.own{fill:#4493f8}.spread{stroke:#e6edf3}.page{fill:#0d1117}}`;

const panels = [
  { part: "a", figure: "perSecond", title: "Events/s, acked by each", unit: "more is better", digits: 0 },
  { part: "b", figure: "p50", title: "Latency p50, ms", unit: "less is better", digits: 1 },
  { part: "b", figure: "p99", title: "Latency p99, ms", unit: "less is better", digits: 1 },
];

/** Throughput and latency as an SVG of bars: medians, with a line from the least to the most of the rounds. */
export function chart({ parts }) {
  const drawn = [];
  let y = 16;
  for (const panel of panels) {
    for (const [name, rows] of casesOf(parts[panel.part], panel.figure)) {
      drawn.push(...panelOf(panel, name, rows, y));
      y += 30 + rows.length * rowHeight + 12;
    }
  }
  const described = panels.map(({ title }) => title).join("; ");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" width="${width}" height="${y}" role="img" aria-labelledby="title description">
<title id="title">HMS-Sync and its rivals: throughput and latency</title>
<desc id="description">Bars on a logarithmic scale for each case, one a rival, the median of all rounds with a line from the least to the most. ${escaped(described)}. bench.md has the same figures as tables.</desc>
<style>${style}</style>
<rect class="page" width="100%" height="100%"/>
${drawn.join("\n")}
</svg>
`;
}

/** Rows that have the figure, by case. */
function casesOf(part, figure) {
  const cases = new Map();
  for (const row of part?.rows ?? []) {
    if (!(figure in row.figures)) continue;
    cases.set(row.case, [...(cases.get(row.case) ?? []), row]);
  }
  return cases;
}

function panelOf({ figure, title, unit, digits }, name, rows, top) {
  const values = rows.flatMap(({ figures }) => figures[figure]);
  const scale = logarithmic(Math.min(...values), Math.max(...values));
  const head = `<text class="head" x="8" y="${top + 12}">${escaped(`${title}, ${name}`)} <tspan class="note" font-weight="400" font-size="12">${unit}</tspan></text>`;
  const bars = rows.map((row, index) =>
    barOf(row, row.figures[figure], scale, top + 24 + index * rowHeight, digits),
  );
  return [head, ...bars];
}

function barOf({ rival }, values, scale, top, digits) {
  const middle = top + barHeight / 2;
  const end = barLeft + scale(median(values));
  const [least, most] = [Math.min(...values), Math.max(...values)].map((value) => barLeft + scale(value));
  return (
    `<text x="${labelWidth}" y="${top + 11}" text-anchor="end">${escaped(rival)}</text>` +
    `<rect class="${rival === "hms-sync" ? "own" : "bar"}" x="${barLeft}" y="${top}" width="${(end - barLeft).toFixed(1)}" height="${barHeight}" rx="2"/>` +
    `<line class="spread" x1="${least.toFixed(1)}" x2="${most.toFixed(1)}" y1="${middle}" y2="${middle}"/>` +
    `<text x="${barLeft + barWidth + 12}" y="${top + 11}">${escaped(spread(values, digits))}</text>`
  );
}

/** Pixels of a value: the least is a short bar, the most the whole width. */
function logarithmic(least, most) {
  const from = Math.log(least / 2);
  const range = Math.log(most) - from || 1;
  return (value) => ((Math.log(value) - from) / range) * barWidth;
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
