/**
 * Makes the checkout ready to run: packages, redis-server, the build; with --php also PHP, its extensions and the
 * Composer packages, with --tests and --bench the servers and programs that these run. Run by npm start, npm test and npm run demo; quick when nothing has changed. Needs Node alone:
 * it runs before node_modules exists, and says so plainly on a Node that is too old for the rest.
 */
const version = process.versions.node.split(".").map(Number);
if (version[0] < 20 || (version[0] === 20 && version[1] < 19)) {
  process.stderr.write(
    `Node ${process.versions.node} is too old; install Node 20.19 or later (https://nodejs.org)\n`,
  );
  process.exit(1);
}

const { setUp } = await import("./steps/all.mjs");
const asked = (name) => process.argv.includes(name);
process.exitCode = await setUp({ php: asked("--php"), tests: asked("--tests"), bench: asked("--bench") });
