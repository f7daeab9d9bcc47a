import { type DatabaseServer, isRoot, startServer, untilParentDies } from "./database-server.js";

/** A real MariaDB (apt-get install mariadb-server). */
export function startMariaDb(): Promise<DatabaseServer> {
  const asThisUser = isRoot() ? ["--user=root"] : [];
  return startServer({
    title: "MariaDB",
    initialize: (directory) => [
      ...["mariadb-install-db", "--no-defaults", `--datadir=${directory}/data`],
      ...["--auth-root-authentication-method=normal", "--skip-test-db", ...asThisUser],
    ],
    serve: (directory, port) => [
      ...[...untilParentDies("KILL"), "mariadbd", "--no-defaults", `--datadir=${directory}/data`],
      ...[`--socket=${directory}/socket`, `--pid-file=${directory}/pid`, "--bind-address=127.0.0.1"],
      ...[
        `--port=${port}`,
        "--skip-log-bin",
        "--innodb-flush-log-at-trx-commit=2",
        "--innodb-flush-method=nosync",
      ],
      ...[
        "--innodb-buffer-pool-size=32M",
        "--innodb-log-file-size=16M",
        "--skip-name-resolve",
        ...asThisUser,
      ],
    ],
    ready: /ready for connections/,
    portTaken: /Address already in use/,
    admin: (directory, _port, sql) => [
      "mariadb",
      "--no-defaults",
      `--socket=${directory}/socket`,
      "-uroot",
      "-e",
      sql,
    ],
    createUser: "GRANT ALL ON *.* TO 'hms'@'127.0.0.1' IDENTIFIED BY 'hms'",
    signal: "SIGKILL",
    config: (connection) => ({ client: "mysql2", connection: { ...connection, charset: "utf8mb4" } }),
  });
}
