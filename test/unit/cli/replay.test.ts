import { expect, test } from "vitest";
import { cliRun } from "./fake-cli.js";

const target = ["replay", "a/b", "--consumer", "city-health"];
const window = { from: "2024-04-23T15:00:00.000Z", to: "2024-04-23T15:10:00.000Z", events: 12 };

test("replay sends what was asked for, in the consumer's name, and says what comes", async () => {
  const run = await cliRun(
    [...target, "--since", "10m", "--until", "2024-04-23T15:10:00Z", "--redo"],
    () => ({
      ...{ replay: "p1", ...window },
    }),
  );
  expect(run.calls).toMatchObject([
    {
      path: "/v1/topics/a%2Fb/replay",
      method: "POST",
      headers: { "hms-sync-consumer": "city-health" },
      body: '{"since":"10m","until":"2024-04-23T15:10:00Z","redo":true}',
    },
  ]);
  expect(run).toMatchObject({ code: 0, stderr: "" });
  expect(run.stdout).toBe(
    `12 events of a/b, recorded from ${window.from} to ${window.to}, go to city-health again; hms-sync status shows how far it is\n`,
  );
});

test("a dry run says what would come and that nothing was begun", async () => {
  const run = await cliRun([...target, "--since", "0", "--dry-run"], () => ({ ...window, dry_run: true }));
  expect(run.calls[0]!.body).toBe('{"since":"0","dry_run":true}');
  expect(run.stdout).toMatch(/^12 events .* would go to city-health again; nothing was begun\n$/);
});

test("an empty window is said to be empty", async () => {
  const run = await cliRun([...target, "--since", "1s"], () => ({
    ...{ replay: "p1", from: null, to: null, events: 0 },
  }));
  expect(run.stdout).toBe("the bus keeps no event of a/b of that time that city-health was handed\n");
});

test("--cancel ends the one that runs", async () => {
  const run = await cliRun([...target, "--cancel"], () => ({
    replay: "p1",
    running: false,
    done: 3,
    of: 10,
  }));
  expect(run.calls).toMatchObject([
    {
      path: "/v1/topics/a%2Fb/replay",
      method: "DELETE",
      headers: { "hms-sync-consumer": "city-health" },
    },
  ]);
  expect(run.stdout).toBe("the replay of a/b for city-health is cancelled; 7 events of it stay owed\n");
  const mixed = await cliRun([...target, "--cancel", "--since", "10m"]);
  expect(mixed).toMatchObject({ code: 2, calls: [] });
});

test("without --since nothing is asked for", async () => {
  expect(await cliRun(target)).toMatchObject({ code: 2, calls: [] });
});

test("--json gives what the bus answered", async () => {
  const answer = { replay: "p1", ...window };
  const run = await cliRun([...target, "--since", "10m", "--json"], () => answer);
  expect(JSON.parse(run.stdout)).toEqual(answer);
});
