import { checkFilter, filterFields } from "../envelope/filter.js";
import { type JsonSchema, mergedSchemas, schemaMembers } from "../envelope/schema-merge.js";
import { type ConsumerEntry, type TopicEntry, versionOf } from "./entries.js";
import { shown } from "./problems.js";
import { describes } from "./schema-bundle.js";
import type { SourceFile } from "./source-file.js";
import { pointerOf } from "./subschemas.js";
import { didYouMean } from "./suggest.js";
import type { TopicSchema } from "./types.js";

/** Checks the filters of a topic's consumers, each by the schema of the version its consumer is given. */
export function checkFilters(
  topic: string,
  entry: TopicEntry,
  schemas: ReadonlyMap<number, TopicSchema>,
  file: SourceFile,
): void {
  for (const [index, consumer] of entry.consumers.entries()) {
    if (typeof consumer === "string" || consumer.filter === undefined) continue;
    const path = [topic, "consumers", index, "filter"];
    const problems = checkFilter(consumer.filter);
    for (const { path: inner, message } of problems) {
      file.refuse([...path, ...inner], `in the filter of ${consumer.name}, ${message}`);
    }
    const version = versionOf(consumer.version ?? entry.schema);
    const schema = schemas.get(version)?.schema as JsonSchema | undefined;
    if (problems.length > 0 || schema === undefined) continue;
    checkFields(consumer, schema, `schemas/${topic}/v${version}.json`, path, file);
  }
}

function checkFields(
  { filter, name }: ConsumerEntry,
  schema: JsonSchema,
  schemaFile: string,
  path: readonly (string | number)[],
  file: SourceFile,
): void {
  for (const { path: inner, field } of filterFields(filter!)) {
    if (describes(schema, field)) continue;
    const remedy = field.length === 1 ? didYouMean(field[0]!, propertiesOf(schema)) : "";
    file.refuse(
      [...path, ...inner],
      `the filter of ${name} asks for ${shown(pointerOf(field))}, which ${schemaFile} does not describe${remedy}; write the path of a property`,
    );
  }
}

function propertiesOf(schema: JsonSchema): string[] {
  return mergedSchemas([schema], schema).flatMap(({ properties }) =>
    schemaMembers(properties).map(([property]) => property),
  );
}
