import { Script } from "../../src/redis/scripts.js";

/** The same script with part of its text replaced, to show what a check is for; throws when the part is not in it. */
export function mutated(script: Script, part: string, replacement: string): Script {
  if (!script.source.includes(part)) throw new Error(`script ${script.name} does not contain: ${part}`);
  return new Script(script.name, script.source.replace(part, replacement));
}
