import { chmodSync, existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { outputOf, runLogged, SetupError, say } from "../lib/run.mjs";

/** What apt calls it, how to see that it is there, and what to install where there is no apt. */
const FLOCK = {
  apt: "util-linux",
  name: "flock",
  isThere: () => process.platform !== "linux" || hasCommand("flock"),
};
const REDIS = {
  apt: "redis-server",
  name: "redis-server 7 or later",
  isThere: () => hasCommand("redis-server"),
};
/** What is written to SQL is tested on the servers it is written to. */
const MARIADB = { apt: "mariadb-server", name: "MariaDB's server", isThere: () => hasCommand("mariadbd") };
const POSTGRES = { apt: "postgresql", name: "PostgreSQL's server", isThere: hasPostgres };
const PHP_COMMANDS = [
  { apt: "php-cli", name: "PHP 8.2 or later", isThere: () => hasCommand("php") },
  { apt: "composer", name: "Composer 2", isThere: () => hasCommand("composer") },
  { apt: "unzip", name: "unzip", isThere: () => hasCommand("unzip") },
];
const TEST_COMMANDS = [
  MARIADB,
  POSTGRES,
  // The tests of topics diff compare with commits; `topics diff FILE --against FILE` needs none.
  { apt: "git", name: "git", isThere: () => hasCommand("git") },
  {
    apt: "faketime",
    name: "faketime",
    isThere: () => process.platform !== "linux" || hasCommand("faketime"),
  },
];
/** The rival that is a server of its own. */
const NATS = { apt: "nats-server", name: "NATS's server", isThere: () => hasCommand("nats-server") };
const SERVICES = [
  { server: REDIS, service: "redis-server.service" },
  { server: MARIADB, service: "mariadb.service" },
  { server: POSTGRES, service: "postgresql.service" },
  { server: NATS, service: "nats-server.service" },
];
/** Modules of `php -m`; the other ones that the tests use are part of PHP itself. */
const PHP_EXTENSIONS = {
  redis: "php-redis",
  igbinary: "php-igbinary",
  curl: "php-curl",
  pdo_sqlite: "php-sqlite3",
  pdo_mysql: "php-mysql",
  pdo_pgsql: "php-pgsql",
  mbstring: "php-mbstring",
  dom: "php-xml",
  pcntl: "php-cli",
};
const POLICY = "/usr/sbin/policy-rc.d";

/**
 * Installs with apt what is missing, or says in one line each what to install. `wanted` tells for what it is needed beside
 * the bus: php, tests, bench.
 */
export async function installSystemPackages(wanted) {
  const missing = missingPackages(wanted);
  if (missing.length === 0) return;
  const sudo = sudoPrefix();
  if (sudo === undefined) {
    throw new SetupError(
      missing.map(({ name, apt }) => `install ${name} (Debian, Ubuntu: apt-get install ${apt})`).join("\n"),
    );
  }
  await aptGet(sudo, "apt package lists", ["update"]);
  const packages = [...new Set(missing.map(({ apt }) => apt))];
  const install = ["install", "-y", "--no-install-recommends", ...packages];
  say(`missing: ${packages.join(", ")}`);
  await withoutServices(sudo, () => aptGet(sudo, "apt packages", install));
  const still = missingPackages(wanted);
  if (still.length > 0) {
    throw new SetupError(
      still.map(({ name, apt }) => `apt-get installed ${apt}, but ${name} is still missing`).join("\n"),
    );
  }
}

function missingPackages({ php, tests, bench }) {
  const asked = [
    REDIS,
    FLOCK,
    ...(php ? PHP_COMMANDS : []),
    ...(tests ? TEST_COMMANDS : []),
    ...(bench ? [NATS] : []),
  ];
  const commands = asked.filter(({ isThere }) => !isThere());
  return php ? [...commands, ...missingExtensions()] : commands;
}

function missingExtensions() {
  const loaded = new Set((outputOf("php", ["-m"]) ?? "").toLowerCase().split("\n"));
  const missing = Object.keys(PHP_EXTENSIONS).filter((name) => !loaded.has(name));
  return missing.map((name) => ({ apt: PHP_EXTENSIONS[name], name: `the PHP extension ${name}` }));
}

function hasCommand(name) {
  const folders = (process.env.PATH ?? "").split(":").filter(Boolean);
  return folders.some((folder) => existsSync(`${folder}/${name}`));
}

/** Debian keeps the server's programs out of PATH, one folder a version. */
function hasPostgres() {
  if (hasCommand("postgres")) return true;
  const versions = "/usr/lib/postgresql";
  return (
    existsSync(versions) &&
    readdirSync(versions).some((version) => existsSync(`${versions}/${version}/bin/postgres`))
  );
}

/** How to become root without a password: nothing to add, sudo, or undefined when there is no way (or no apt). */
function sudoPrefix() {
  if (!hasCommand("apt-get")) return undefined;
  if (process.getuid() === 0) return [];
  return hasCommand("sudo") && outputOf("sudo", ["-n", "true"]) !== undefined ? ["sudo", "-n"] : undefined;
}

async function aptGet(sudo, title, args) {
  const [command, ...rest] = [...sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", ...args];
  await runLogged(title, command, rest);
}

/**
 * Keeps Debian's packages of servers from starting services: the bus and the tests run servers of their own, and nobody
 * asked for others. Root only: with sudo the services are stopped and disabled afterwards instead.
 */
async function withoutServices(sudo, install) {
  const ownPolicy = sudo.length === 0 && !existsSync(POLICY);
  if (ownPolicy) {
    writeFileSync(POLICY, "#!/bin/sh\nexit 101\n");
    chmodSync(POLICY, 0o755);
  }
  const absent = SERVICES.filter(({ server }) => !server.isThere());
  try {
    await install();
  } finally {
    if (ownPolicy) rmSync(POLICY);
  }
  if (!existsSync("/run/systemd/system")) return;
  for (const { server, service } of absent.filter((each) => each.server.isThere())) {
    say(`the service that came with ${server.apt} is switched off`);
    const [command, ...rest] = [...sudo, "systemctl", "disable", "--now", service];
    await runLogged(`${service} off`, command, rest);
  }
}
