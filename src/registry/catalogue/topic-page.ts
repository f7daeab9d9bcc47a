import type { CastStep } from "../../envelope/cast.js";
import type { Consumer, Topic } from "../types.js";
import { durationText } from "./duration-text.js";
import { exampleEnvelope, examplePayload } from "./example.js";
import { fieldRows } from "./field-rows.js";
import { type Html, html, htmlTable, jsonBlock, page, paragraphs } from "./html.js";
import { titleOf } from "./index-page.js";
import type { SelectedTopic, SelectedVersion } from "./select.js";

/** The page of one topic. */
export function topicPage(selected: SelectedTopic): string {
  const { topic, versions } = selected;
  return page(
    topic.name,
    "../",
    html`<h1>${topic.name}</h1>
${paragraphs(titleOf(selected))}
<dl>
<dt>Delivered</dt><dd>${topic.qos === "exactly_once" ? "exactly once (exactly_once)" : "at least once (at_least_once)"}</dd>
<dt>Replay window</dt><dd>${durationText(topic.retentionMs)}</dd>
${topic.keyPointer === undefined ? [] : html`<dt>Key</dt><dd><code>${topic.keyPointer}</code></dd>\n`}${
  topic.laravelEvent === undefined
    ? []
    : html`<dt>Event in Laravel</dt><dd><code>${topic.laravelEvent}</code></dd>\n`
}</dl>
<h2>Who publishes</h2>
${producers(topic)}
<h2>Who consumes</h2>
${consumers(topic)}
${versions.toReversed().map((version) => versionSection(topic, version))}`,
  );
}

function producers(topic: Topic): Html {
  if (topic.producers.length === 0) return html`<p>Nobody but an administrator.</p>`;
  const rows = topic.producers.map((name) => [name, `v${topic.producerVersions.get(name) ?? topic.version}`]);
  return htmlTable(["System", "Version of events that state none"], rows);
}

function consumers(topic: Topic): Html {
  if (topic.consumers.length === 0) return html`<p>Nobody yet.</p>`;
  const rows = topic.consumers.map((consumer) => [
    consumer.name,
    versionOf(consumer),
    html`${told(consumer)}`,
  ]);
  return htmlTable(["System", "Version it gets", "Delivery"], rows);
}

function versionOf({ version }: Consumer): string {
  return version === undefined ? "the one current when it joined" : `v${version}`;
}

function told({ start, order, maxInFlight, filter }: Consumer): Html[] {
  return [
    ...(start === "now" ? [html`<p>begins with what comes after it joined</p>`] : []),
    ...(order === "key" ? [html`<p>events of a key one after the other</p>`] : []),
    ...(maxInFlight === undefined ? [] : [html`<p>at most ${maxInFlight} events unsettled</p>`]),
    ...(filter === undefined ? [] : [html`<p>only where <code>${JSON.stringify(filter)}</code></p>`]),
  ];
}

function versionSection(topic: Topic, version: SelectedVersion): Html {
  const number = version.version;
  const payload = examplePayload(topic, number, version.shapes);
  const current = number === topic.version ? " (current)" : "";
  return html`<section>
<h2 id="v${number}">Version ${number}${current}</h2>
${fieldTable(version)}
<h3>Example</h3>
${
  payload === undefined
    ? html`<p class="dim">None: add <code>examples</code> to schemas/${topic.name}/v${number}.json.</p>`
    : jsonBlock(exampleEnvelope(topic, number, payload))
}
${casts(topic, number)}
</section>
`;
}

function fieldTable({ shapes }: SelectedVersion): Html {
  const rows = fieldRows(shapes).map(({ path, type, required, texts }) => [
    html`<code>${path}</code>`,
    type,
    required ? "yes" : "no",
    html`${texts.map((text) => html`<p>${text}</p>`)}`,
  ]);
  if (rows.length === 0) return html`<p>Any JSON object.</p>`;
  return htmlTable(["Field of the payload", "Type", "Required", "Meaning"], rows);
}

function casts({ casts: all, schemas }: Topic, version: number): Html | readonly Html[] {
  const found = all.get(version);
  const before = [...schemas.keys()].filter((number) => number < version);
  if (found === undefined) {
    return before.length === 0
      ? []
      : html`<p class="dim">Events of version ${version - 1} are delivered as they are in version ${version}, and the reverse.</p>`;
  }
  const direction = (
    from: number,
    to: number,
    steps: readonly CastStep[] | undefined,
  ) => html`<h3>From version ${from} to ${to}</h3>
${steps === undefined ? html`<p>Not possible.</p>` : html`<ul>${steps.map((step) => html`<li><code>${JSON.stringify(step)}</code></li>`)}</ul>`}
`;
  return html`${direction(version - 1, version, found.steps.up)}${direction(version, version - 1, found.steps.down)}`;
}
