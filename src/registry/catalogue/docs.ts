import type { Registry } from "../types.js";
import type { GeneratedFile } from "./generated.js";
import { indexPage } from "./index-page.js";
import { selectTopics } from "./select.js";
import { topicPage } from "./topic-page.js";

/** The catalogue as web pages without scripts: index.html, and a page for each topic under topics/. */
export function docsOf(registry: Registry): GeneratedFile[] {
  const selected = selectTopics(registry);
  return [
    { path: "index.html", text: indexPage(selected) },
    ...selected.map((topic) => ({ path: `topics/${topic.topic.name}.html`, text: topicPage(topic) })),
  ];
}
