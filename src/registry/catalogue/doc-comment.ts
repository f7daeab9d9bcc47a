/**
 * A doc comment of TypeScript or PHP with these paragraphs' lines, and a line break; empty when there are none. Text of schemas cannot end
 * it.
 */
export function docComment(texts: readonly string[], indent = ""): string {
  const lines = texts.flatMap((text) => text.split(/\r\n|[\n\r\u2028\u2029]/)).map(harmless);
  if (lines.length === 0) return "";
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd()).join("\n")}\n${indent} */\n`;
}

function harmless(line: string): string {
  return line
    .replaceAll("*/", "*\u200b/")
    .replaceAll(/\p{Cc}/gu, " ")
    .trim();
}
