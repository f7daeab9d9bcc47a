/** Rivals in the order of the tables; the first is what is compared with the others. */
export const names = ["hms-sync", "streams", "streams-bridge", "nats", "bullmq"];

/** A rival's module: `about`, `missing`, `start`, and its roles `publisher`, `bridge`, `consumer`. */
export async function rivalNamed(name) {
  return await import(`./${name}.mjs`);
}
