import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import {
  type DatabaseServer,
  isRoot,
  openTheWayTo,
  startServer,
  untilParentDies,
} from "./database-server.js";

/** A real PostgreSQL (apt-get install postgresql). It refuses to run as root: then the user "postgres" runs it. */
export function startPostgres(): Promise<DatabaseServer> {
  const asUser = isRoot() ? ["--reuid=postgres", "--regid=postgres", "--clear-groups"] : [];
  const launcher = untilParentDies("QUIT", ...asUser);
  return startServer({
    title: "PostgreSQL",
    prepare(directory) {
      if (!isRoot()) return;
      openTheWayTo(directory);
      execFileSync("chown", ["postgres", directory]);
    },
    initialize: (directory) => [
      ...[
        ...launcher,
        program("initdb"),
        "--pgdata",
        `${directory}/data`,
        "--username=postgres",
        "--auth=trust",
      ],
      ...["--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"],
    ],
    serve: (directory, port) => [
      ...[...launcher, program("postgres"), "-D", `${directory}/data`, "-h", "127.0.0.1", "-p", String(port)],
      ...["-k", directory, "-F", "-c", "full_page_writes=off"],
      ...["-c", "shared_buffers=32MB", "-c", "max_connections=60", "-c", "deadlock_timeout=100ms"],
    ],
    ready: /database system is ready to accept connections/,
    portTaken: /Address already in use/,
    admin: (directory, port, sql) => [
      ...[
        program("psql"),
        "-h",
        directory,
        "-p",
        String(port),
        "-U",
        "postgres",
        "-d",
        "postgres",
        "-c",
        sql,
      ],
    ],
    createUser: "CREATE ROLE hms LOGIN SUPERUSER PASSWORD 'hms'",
    signal: "SIGQUIT", // the quick end that still gives back shared memory
    config: (connection) => ({ client: "pg", connection: { ...connection } }),
  });
}

/** Debian keeps the programs of each version apart, outside the path. */
function program(name: string): string {
  const root = "/usr/lib/postgresql";
  const versions = existsSync(root) ? readdirSync(root) : [];
  const found = versions
    .sort((one, other) => Number(other) - Number(one))
    .map((version) => join(root, version, "bin", name))
    .find((path) => existsSync(path));
  if (found === undefined)
    throw new Error(`${name} was not found; is PostgreSQL installed? (apt-get install postgresql)`);
  return found;
}
