import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { cli } from "../../support/bus.js";
import { run } from "../../support/process.js";
import { call, type Running, running } from "./harness.js";

const admin = "0123456789abcdef0123456789abcdef";
let bus: Running;
afterEach(() => bus.close());

test("a bus in production takes the admin token of its configuration, with which the first keys are made", async () => {
  bus = await running({ NODE_ENV: "production", HMS_SYNC_ADMIN_TOKEN: admin });
  const { url } = bus.sidecar;
  const whoami = (token: string) => call(url, "GET", "/v1/whoami", { token });
  expect((await whoami(admin)).body).toMatchObject({ system: "admin", admin: true });
  expect((await whoami(`${admin}0`)).status).toBe(401);
  expect((await whoami(bus.adminToken)).status).toBe(401); // no development token

  const file = join(bus.folder.path, "admin-token");
  await writeFile(file, `${admin}\n`);
  const env = { ...bus.folder.env, HMS_SYNC_URL: url, HMS_SYNC_TOKEN_FILE: file };
  const { code, stdout } = await run(process.execPath, [cli, "keys", "create", "city-health", "--json"], {
    env,
  });
  expect(code).toBe(0);
  expect((await whoami(JSON.parse(stdout).token)).body).toMatchObject({
    system: "city-health",
    admin: false,
  });
  expect(bus.logLines.join("")).not.toContain(admin);
});

test("without one nobody is admin in production, and the development token speaks beside one elsewhere", async () => {
  bus = await running({ NODE_ENV: "production" });
  const whoami = (token: string) => call(bus.sidecar.url, "GET", "/v1/whoami", { token });
  expect((await whoami(admin)).status).toBe(401);
  await bus.close();
  bus = await running({ HMS_SYNC_ADMIN_TOKEN: admin });
  for (const token of [admin, bus.adminToken])
    expect((await whoami(token)).body).toMatchObject({ admin: true });
});
