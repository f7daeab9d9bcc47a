// Measures the bus against what its users would take instead, everything in one go (--help lists the options), and writes
// the figures, a chart and a page to docs/.
import { writeDocuments } from "./document.mjs";
import { describeMachine } from "./machine.mjs";
import { measure } from "./rounds.mjs";
import { readSettings } from "./settings.mjs";
import { asText } from "./tables.mjs";

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1)); // ends what it started

await main(process.argv.slice(2));

async function main(args) {
  const { settings, problem, help } = readSettings(args);
  if (settings === undefined) {
    (help ? process.stdout : process.stderr).write(`${problem ?? help}\n`);
    process.exitCode = help ? 0 : 2;
    return;
  }
  const machine = describeMachine(settings.directory);
  log(`${JSON.stringify(machine)}, appendfsync ${settings.fsync}`);
  const parts = await measure(settings, log);
  for (const [key, part] of Object.entries(parts)) log(asText(key, part));
  if (settings.out === undefined) return;
  writeDocuments(settings.out, { machine, fsync: settings.fsync, parts });
  log(`\nwritten: bench.json, bench.md and bench.svg in ${settings.out}`);
}

function log(text) {
  process.stdout.write(`${text}\n`);
}
