import { spread } from "./figures.mjs";
import { metrics } from "./metrics.mjs";

/** The rival with which all others are compared. */
export const subject = "hms-sync";

/**
 * The tables of a part, one for each figure: a heading and rows of `[case, rival, min / median / max, ratio]`, the ratio
 * being that of the bus to the rival, round by round.
 */
export function tablesOf({ rows }) {
  const names = Object.keys(metrics).filter((name) => rows.some(({ figures }) => name in figures));
  return names.map((name) => {
    const { title, digits, compared } = metrics[name];
    const lines = rows
      .filter(({ figures }) => name in figures)
      .map((row) => [
        row.case,
        row.rival,
        spread(row.figures[name], digits),
        ratio(row, rows, name, compared),
      ]);
    return { title, compared, lines };
  });
}

/** The bus's figures to the rival's of the same round. */
export function ratios(rows, name, caseName, rival) {
  const of = (wanted) =>
    rows.find((row) => row.case === caseName && row.rival === wanted)?.figures[name] ?? [];
  const other = of(rival);
  return of(subject)
    .map((value, round) => value / other[round])
    .filter(Number.isFinite);
}

function ratio(row, rows, name, compared) {
  if (!compared || row.rival === subject) return "";
  const all = ratios(rows, name, row.case, row.rival);
  return all.length === 0 ? "" : spread(all, 2);
}

/** The tables as text for a terminal. */
export function asText(key, part) {
  return tablesOf(part)
    .flatMap(({ title, compared, lines }) => [
      "",
      `${key}) ${title}, min / median / max of ${part.rounds} ${part.rounds === 1 ? "round" : "rounds"}${compared ? "; then HMS-Sync to the rival" : ""}`,
      ...lines.map(([name, rival, figures, ratio]) =>
        `  ${name.padEnd(34)} ${rival.padEnd(15)} ${figures.padEnd(28)} ${ratio}`.trimEnd(),
      ),
    ])
    .join("\n");
}
