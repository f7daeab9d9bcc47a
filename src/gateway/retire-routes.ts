import type { Express, Request, Response } from "express";
import { bodyObject, invalidRequest, readBody } from "./body.js";
import { beginLines, writeLines } from "./ndjson.js";

/** What operators do with consumers that topics.yaml has no longer; each rejects with HmsSyncError (404, 409, 503). */
export interface Retirement {
  left(consumer: string, topic?: string): Promise<readonly unknown[]>;
  /** Lines of JSON. */
  archive(consumer: string, topic?: string): Promise<AsyncIterable<Buffer>>;
  retire(consumer: string, topic?: string): Promise<readonly unknown[]>;
}

export interface RetireRouteParts {
  readonly retirement: Retirement;
  readonly bodyLimit: number;
  /** Aborted when the gateway closes. */
  readonly closing: AbortSignal;
}

/**
 * GET /v1/consumers/{name}/left and …/archive, POST …/retire: what a consumer that was taken out is still owed, its
 * archive, and its removal. `topic` (query, or member of the body) restricts them to one topic.
 */
export function retireRoutes(app: Express, parts: RetireRouteParts): void {
  app.get("/v1/consumers/:name/left", async (request, response) => {
    const { name } = request.params;
    response.json({ consumer: name, left: await parts.retirement.left(name, topicIn(request.query.topic)) });
  });
  app.get("/v1/consumers/:name/archive", (request, response) => sendArchive(parts, request, response));
  app.post("/v1/consumers/:name/retire", async (request, response) => {
    const { name } = request.params;
    const { topic } = bodyObject(await readBody(request, parts.bodyLimit));
    response.json({ consumer: name, retired: await parts.retirement.retire(name, topicIn(topic)) });
  });
}

async function sendArchive(
  { retirement, closing }: RetireRouteParts,
  request: Request<{ name: string }>,
  response: Response,
): Promise<void> {
  const lines = await retirement.archive(request.params.name, topicIn(request.query.topic));
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const signal = AbortSignal.any([gone.signal, closing]);
  beginLines(response);
  try {
    for await (const some of lines) {
      await writeLines(response, some, signal);
      if (signal.aborted) break;
    }
  } catch (error) {
    response.destroy();
    throw error;
  }
  // Its last line is missing, and what was cut off must not look like an end.
  if (signal.aborted) response.destroy();
  else response.end();
}

function topicIn(value: unknown): string | undefined {
  if (value === undefined || (typeof value === "string" && value !== "")) return value;
  throw invalidRequest("topic", value, "the name of a topic, or leave it out for all of them");
}
