import knex, { type Knex } from "knex";

/** PostgreSQL at `postgres://user:password@host:5432/database`; `?sslmode=verify-full` for TLS. */
export function openDatabase(url: string): Knex {
  return knex({ client: "pg", connection: url, pool: { min: 0, max: 4 }, acquireConnectionTimeout: 10_000 });
}
