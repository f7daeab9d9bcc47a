import { type Html, html, htmlTable, page } from "./html.js";
import type { SelectedTopic } from "./select.js";

/** The page of all topics and all systems. */
export function indexPage(topics: readonly SelectedTopic[]): string {
  const rows = topics.map((selected) => {
    const { topic } = selected;
    return [
      topicLink(topic.name),
      titleOf(selected),
      names(topic.producers),
      names(topic.consumers.map(({ name }) => name)),
      `v${topic.version}`,
    ];
  });
  return page(
    "Topics",
    "",
    html`<h1>Topics</h1>
${topics.length === 0 ? html`<p>There are none yet.</p>` : htmlTable(["Topic", "What happened", "From", "To", "Version"], rows)}
<h2>Systems</h2>
${systemsTable(topics)}`,
  );
}

/** What the current version's schema says of its events. */
export function titleOf({ versions }: SelectedTopic): string {
  const { root } = versions.at(-1)!.shapes;
  return root.kind === "object" ? (root.object.about.title ?? root.object.about.description ?? "") : "";
}

function systemsTable(topics: readonly SelectedTopic[]): Html {
  const systems = new Map<string, { sends: Html[]; gets: Html[] }>();
  const of = (name: string) => {
    const system = systems.get(name) ?? { sends: [], gets: [] };
    systems.set(name, system);
    return system;
  };
  for (const { topic } of topics) {
    for (const name of topic.producers) of(name).sends.push(topicLink(topic.name));
    for (const { name } of topic.consumers) of(name).gets.push(topicLink(topic.name));
  }
  const rows = [...systems]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { sends, gets }]) => [html`<span id="${name}">${name}</span>`, lines(sends), lines(gets)]);
  return htmlTable(["System", "Publishes", "Consumes"], rows);
}

function topicLink(name: string): Html {
  return html`<a href="topics/${encodeURIComponent(name)}.html">${name}</a>`;
}

function lines(links: readonly Html[]): Html {
  return links.length === 0 ? html`–` : html`${links.map((link) => html`<p>${link}</p>`)}`;
}

function names(all: readonly string[]): Html {
  return lines(all.map((name) => html`<a href="#${name}">${name}</a>`));
}
