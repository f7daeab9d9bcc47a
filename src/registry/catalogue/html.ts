import { generatedMark } from "./generated.js";

/** Text that is HTML already. */
export class Html {
  constructor(readonly text: string) {}
}

type Part = string | number | Html | readonly Html[];

/** HTML from a template: strings put into it are escaped, HTML and lists of it are not. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(
    texts.map((text, index) => (index === 0 ? "" : written(parts[index - 1]!)) + text).join(""),
  );
}

/** A whole page; `root` leads from it to the folder of index.html. */
export function page(title: string, root: string, body: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="generator" content="${generatedMark} docs">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<title>${title}</title>
<style>${new Html(style)}</style>
</head>
<body>
<nav aria-label="Catalogue"><a href="${root}index.html">All topics</a></nav>
<main>
${body}
</main>
</body>
</html>
`.text;
}

/** JSON to read. */
export function jsonBlock(value: unknown): Html {
  return html`<pre tabindex="0"><code>${JSON.stringify(value, null, 2)}</code></pre>`;
}

/** A table that scrolls by itself where the screen is narrow. */
export function htmlTable(header: readonly string[], rows: readonly (readonly Part[])[]): Html {
  return html`<div class="wide" tabindex="0"><table>
<thead><tr>${header.map((title) => html`<th scope="col">${title}</th>`)}</tr></thead>
<tbody>
${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>\n`)}</tbody>
</table></div>`;
}

/** A paragraph for each line of a text. */
export function paragraphs(text: string): Html[] {
  return text.split("\n").flatMap((line) => (line.trim() === "" ? [] : [html`<p>${line}</p>\n`]));
}

const style = `
:root { color-scheme: light dark; --line: light-dark(#d5d9df, #3b4048); --soft: light-dark(#f4f6f8, #1d2126);
  --text: light-dark(#1b1f24, #e4e7eb); --dim: light-dark(#59626e, #a3acb8); --link: light-dark(#0a58a8, #7db8f5); }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; font: 1rem/1.5 system-ui, sans-serif; color: var(--text);
  background: light-dark(#fff, #14171a); overflow-wrap: break-word; }
a { color: var(--link); }
h1 { font-size: 1.5rem; line-height: 1.25; } h2 { margin-top: 2rem; font-size: 1.2rem; } h3 { font-size: 1rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { padding: .4rem .7rem .4rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { font-weight: 600; color: var(--dim); white-space: nowrap; } td p { margin: 0; }
code, pre { font: .875rem/1.5 ui-monospace, monospace; } pre { padding: .75rem; overflow-x: auto; background: var(--soft); border-radius: .375rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1rem; } dt { color: var(--dim); } dd { margin: 0; min-width: 0; }
.dim { color: var(--dim); }
@media (max-width: 32rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; } }
`;

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function written(part: Part): string {
  if (part instanceof Html) return part.text;
  if (typeof part === "object") return part.map(({ text }) => text).join("");
  return String(part).replace(/[&<>"']/g, (sign) => escapes[sign]!);
}
