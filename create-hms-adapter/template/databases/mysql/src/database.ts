import knex, { type Knex } from "knex";

/** MySQL or MariaDB at `mysql://user:password@host:3306/database`; `?charset=latin1` for a legacy connection. */
export function openDatabase(url: string): Knex {
  return knex({
    client: "mysql2",
    connection: url,
    pool: { min: 0, max: 4 },
    acquireConnectionTimeout: 10_000,
  });
}
