import type { Random } from "./random.js";

/** Part of each payload and of nothing else: where it is found in a log, a payload was logged. */
export const SECRET = "Geraldine O'Hara-Chaos";

/** Values that are altered by a bus that parses payloads and writes them anew, as JSON text. */
const delicate = [
  "9007199254740993",
  "-0",
  "1.0",
  "1e3",
  "12345678901234567890.123456789",
  "{}",
  "[]",
  '"\\u00e9\\/"',
  '"é ✓ 😀"',
  '"\\ud83d\\ude00"',
  '"{consumer/topic}:*"',
  '",\\"qos\\":\\"none\\""',
  "null",
];

/** JSON text of the payload of event `n`, with its own spelling of numbers, escapes and empty objects. */
export function payloadOf(n: number, key: string, random: Random): string {
  const space = random.pick(["", " ", "\n  "]);
  const size = random.chance(0.02) ? random.integer(2_000, 20_000) : random.integer(0, 80);
  return (
    `{"n":${space}${n},"key":"${key}","person":"${SECRET}","value":${space}${random.pick(delicate)}` +
    `,"text":"${"x".repeat(size)}"${space}}`
  );
}

/** Of a Laravel event: as PHP itself writes JSON, since it decodes and encodes it on the way. */
export function laravelPayloadOf(n: number, key: string, random: Random): string {
  const value = random.pick(asPhpWrites);
  const size = random.chance(0.05) ? random.integer(2_000, 20_000) : random.integer(0, 80);
  return `{"n":${n},"key":"${key}","person":"${SECRET}","value":${value},"text":"${"x".repeat(size)}"}`;
}

const asPhpWrites = [
  ...["9007199254740993", "1.0", "0.1", "-9223372036854775808", "{}", "[]", "null", '[{"a":{}}]'],
  ...['"\\u00e9\\/"', '"\\ud83d\\ude00"', '"{consumer\\/topic}:*"', '",\\"qos\\":\\"none\\""'],
];

/** Like `payloadOf`, but for the schema, which asks for a whole number `n`. */
export function badPayloadOf(n: number, key: string): string {
  return `{"n":"number ${n}","key":"${key}","person":"${SECRET}"}`;
}
