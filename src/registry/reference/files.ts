import { editorSchema } from "./editor-schema.js";
import { referencePage } from "./page.js";

/** The files under docs/ that are made from the sources, by path, with their text. */
export function referenceFiles(): Record<string, string> {
  return {
    "docs/topics.schema.json": `${JSON.stringify(editorSchema(), null, 2)}\n`,
    "docs/topics-yaml.md": referencePage(),
  };
}
