import { join } from "node:path";
import { spread } from "../figures.mjs";
import { start } from "../processes.mjs";
import { startRedis } from "./redis.mjs";

/** What one broadcast() costs with each driver, on phpredis and on predis: printed as min / median / max of the rounds. */
export async function measureBroadcasts(directory, rounds, count) {
  for (const client of ["phpredis", "predis"]) {
    const redis = await startRedis(directory);
    const script = join(import.meta.dirname, "broadcast.php");
    const database = join(directory, `${client}.sqlite`);
    const php = start("php", [script, String(rounds), String(count), database], {
      env: { ...process.env, REDIS_PORT: String(redis.port), REDIS_CLIENT: client, APP_ENV: "production" },
    });
    const figures = JSON.parse(await php.line(/^\{/));
    await php.exited;
    redis.process.kill();
    await redis.process.exited;
    report(client, figures);
  }
}

function report(client, figures) {
  const { redis, ...ours } = figures;
  for (const kind of ["median", "mean"]) {
    const base = redis.map((round) => round[kind]);
    log(`${client}, ${kind}: broadcast() with Laravel's redis driver takes ${spread(base, 0)} us`);
    for (const [driver, rounds] of Object.entries(ours)) {
      const micros = rounds.map((round) => round[kind]);
      const ratios = micros.map((each, round) => each / base[round]);
      log(`${client}, ${kind}: ${driver.padEnd(8)} ${spread(micros, 0)} us, ratio ${spread(ratios)}`);
    }
  }
}

function log(text) {
  process.stdout.write(`${text}\n`);
}
