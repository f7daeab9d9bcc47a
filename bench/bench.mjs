// Measures the bus against what its users would take instead, everything in one go (--help lists the options), and writes
// the figures, a chart and a page to docs/.
import { measure } from "./rounds.mjs";
import { readSettings } from "./settings.mjs";
import { asText } from "./tables.mjs";

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1)); // ends what it started

const settings = readSettings(process.argv.slice(2));
const measured = await measure(settings, log);
for (const [key, part] of Object.entries(measured)) log(asText(key, part));

function log(text) {
  process.stdout.write(`${text}\n`);
}
