import knex, { type Knex } from "knex";

/** SQL Server at `mssql://user:password@host:1433/database`; `?encrypt=true&trustServerCertificate=true` for its own certificate. */
export function openDatabase(url: string): Knex {
  const { hostname, port, username, password, pathname, searchParams } = new URL(url);
  const connection = {
    server: hostname,
    port: Number(port || 1433),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)),
    options: {
      encrypt: searchParams.get("encrypt") !== "false",
      trustServerCertificate: searchParams.get("trustServerCertificate") === "true",
    },
  };
  return knex({ client: "mssql", connection, pool: { min: 0, max: 4 }, acquireConnectionTimeout: 10_000 });
}
