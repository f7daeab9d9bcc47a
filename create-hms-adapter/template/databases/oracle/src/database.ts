import knex, { type Knex } from "knex";

/** Oracle (12.1 or later, without a client of Oracle's) at `oracle://user:password@host:1521/SERVICE`. */
export function openDatabase(url: string): Knex {
  const { host, username, password, pathname } = new URL(url);
  const connection = {
    connectString: `${host}${pathname}`,
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
  };
  return knex({ client: "oracledb", connection, pool: { min: 0, max: 4 }, acquireConnectionTimeout: 10_000 });
}
