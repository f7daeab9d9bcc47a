import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import knex, { type Knex } from "knex";
import { afterAll, beforeAll } from "vitest";
import type { DatabaseServer } from "../../../test/support/database-server.js";
import { startMariaDb } from "../../../test/support/mariadb.js";
import { startPostgres } from "../../../test/support/postgres.js";
import { sqliteConfig } from "../../../test/support/sqlite.js";

export type DatabaseName = "PostgreSQL" | "MariaDB" | "SQLite";

/** A database for each test that asks, on servers that the file's tests share. */
export interface Databases {
  /** A knex instance on a new empty database. `options` end the CREATE DATABASE of a server. */
  open(name: DatabaseName, options?: string): Promise<Knex>;
  server(name: "PostgreSQL" | "MariaDB"): DatabaseServer;
}

export function databases(...names: DatabaseName[]): Databases {
  const open: Knex[] = [];
  const servers = new Map<DatabaseName, DatabaseServer>();
  let directory = "";
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "sqlite-"));
    const starters = { PostgreSQL: startPostgres, MariaDB: startMariaDb } as const;
    await Promise.all(
      names.map(async (name) => {
        if (name !== "SQLite") servers.set(name, await starters[name]());
      }),
    );
  });
  afterAll(async () => {
    await Promise.all(open.map((each) => each.destroy()));
    await Promise.all([...servers.values()].map((server) => server.stop()));
    rmSync(directory, { recursive: true, force: true });
  });
  return {
    async open(name, options) {
      const server = servers.get(name);
      const config =
        server === undefined
          ? sqliteConfig(join(directory, `${open.length}.sqlite`))
          : server.config(await server.freshDatabase(options));
      const made = knex(config);
      open.push(made);
      return made;
    },
    server: (name) => servers.get(name)!,
  };
}
