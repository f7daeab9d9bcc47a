import type { IncomingMessage, ServerResponse } from "node:http";
import express, { type NextFunction, type Request, type Response } from "express";
import { HmsSyncError } from "../errors.js";
import type { AccessKeys } from "./access-keys.js";
import { mustBeAdmin, topicsConsumedBy } from "./authorize.js";
import { bodyObject, invalidRequest, readBody } from "./body.js";
import { type RetireRouteParts, retireRoutes } from "./retire-routes.js";
import { schemaRoute } from "./schema-route.js";
import type { Directory, FindProbe, Identity, Operations } from "./types.js";
import type { WebhookKeys } from "./webhook-keys.js";

export interface AdminRouteParts extends RetireRouteParts {
  readonly directory: Directory;
  readonly operations: Operations;
  readonly probe: FindProbe;
  readonly accessKeys: AccessKeys;
  readonly webhookKeys: WebhookKeys;
}

type Next = (error?: unknown) => void;

/** The routes of operators, of schemas and of whoami. The caller has authenticated the request and set its `identity`. */
export function adminRoutes(
  parts: AdminRouteParts,
): (request: IncomingMessage, response: ServerResponse, next: Next) => void {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.get(
    "/v1/whoami",
    (request, response) => void response.json(whoami(parts.directory, identityOf(request))),
  );
  app.get("/v1/probes/:id", async (request, response) => {
    const seen = await parts.probe(request.params.id);
    if (seen === undefined) throw unknownProbe(request.params.id);
    response.json(seen);
  });
  schemaRoute(app, parts.directory);
  app.use("/v1", (request, _response, next) => {
    mustBeAdmin(identityOf(request));
    next();
  });
  app.get("/v1/status", async (_request, response) => void response.json(await parts.operations.status()));
  app.post("/v1/ledger-losses/acknowledge", async (_request, response) => {
    response.json(await parts.operations.acknowledgeLosses());
  });
  app.get("/v1/rejects", async (request, response) => {
    response.json({ rejects: await parts.operations.rejects(limitOf(request)) });
  });
  deadLetterRoutes(app, parts);
  keyRoutes(app, parts);
  retireRoutes(app, parts);
  app.use((error: unknown, _request: Request, _response: Response, next: NextFunction) => next(error));
  return app as unknown as ReturnType<typeof adminRoutes>;
}

function deadLetterRoutes(app: express.Express, parts: AdminRouteParts): void {
  app.get("/v1/dead-letters", async (request, response) => {
    const { topic, consumer } = request.query;
    const filter = {
      ...(typeof topic === "string" ? { topic } : {}),
      ...(typeof consumer === "string" ? { consumer } : {}),
      limit: limitOf(request),
    };
    response.json({ dead_letters: await parts.operations.deadLetters(filter) });
  });
  app.post("/v1/dead-letters/redrive", async (request, response) => {
    const body = bodyObject(await readBody(request, parts.bodyLimit));
    const topic = textOf(body, "topic");
    const consumer = textOf(body, "consumer");
    const ids = body.all === true ? "all" : body.ids;
    if (
      ids !== "all" &&
      !(Array.isArray(ids) && ids.every((id) => typeof id === "string" && /^\d{1,15}-\d{1,15}$/.test(id)))
    ) {
      throw invalidRequest("ids", ids, 'the ids of dead letters, or "all": true');
    }
    response.json(await parts.operations.redrive(topic, consumer, ids as string[] | "all"));
  });
}

function keyRoutes(app: express.Express, parts: AdminRouteParts): void {
  app.get("/v1/keys", async (_request, response) => void response.json({ keys: await keysOf(parts) }));
  app.post("/v1/keys", async (request, response) => {
    const body = bodyObject(await readBody(request, parts.bodyLimit));
    response.status(201).json(await createKey(parts, body));
  });
  app.delete("/v1/keys/:id", async (request, response) => {
    const { id } = request.params;
    if (!(await parts.accessKeys.revoke(id)) && !(await parts.webhookKeys.revoke(id))) throw unknownKey(id);
    response.status(204).end();
  });
}

async function keysOf({ accessKeys, webhookKeys }: AdminRouteParts): Promise<unknown[]> {
  const tokens = (await accessKeys.list()).map((key) => ({ ...key, kind: "token" }));
  const secrets = (await webhookKeys.list()).map((key) => ({ ...key, kind: "webhook" }));
  return [...tokens, ...secrets].sort((a, b) => a.created.localeCompare(b.created));
}

async function createKey(parts: AdminRouteParts, body: Record<string, unknown>): Promise<unknown> {
  const system = textOf(body, "system");
  const { kind = "token", secret } = body;
  if (kind !== "token" && kind !== "webhook") throw invalidRequest("kind", kind, "token or webhook");
  if (!parts.directory.systems.has(system)) throw unknownSystem(system, parts.directory);
  if (kind === "token") return await parts.accessKeys.create(system);
  // Its value, were it shown, would be a secret in an answer.
  if (secret !== undefined && typeof secret !== "string")
    throw invalidRequest("secret", typeof secret, "text");
  if (system === "admin") throw invalidRequest("system", system, "a system: admin signs nothing");
  return { kind, ...(await parts.webhookKeys.create(system, secret)) };
}

function whoami(directory: Directory, { system, admin }: Identity): unknown {
  const topics = [...directory.topics.values()];
  const consumes = topicsConsumedBy(system, directory);
  return {
    system,
    admin,
    consumes,
    produces: topics.filter((topic) => topic.producers.includes(system)).map(({ name }) => name),
  };
}

function identityOf(request: Request): Identity {
  return (request as Request & { identity: Identity }).identity;
}

function limitOf(request: Request): number {
  const text = request.query.limit ?? "100";
  const limit = typeof text === "string" && /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= 10_000) return limit;
  throw invalidRequest("limit", text, "a number from 1 to 10000");
}

function textOf(body: Record<string, unknown>, name: string): string {
  const value = body[name];
  if (typeof value === "string" && value !== "") return value;
  throw invalidRequest(name, value, "a name");
}

function unknownProbe(id: string): HmsSyncError {
  return new HmsSyncError(
    "unknown_probe",
    `no probe "${id.slice(0, 100)}" came through the intake in the last minute; does its sender write to the Redis of this bus?`,
    { status: 404 },
  );
}

function unknownKey(id: string): HmsSyncError {
  return new HmsSyncError("unknown_key", `there is no key "${id.slice(0, 100)}"; see: hms-sync keys list`, {
    status: 404,
  });
}

function unknownSystem(system: string, directory: Directory): HmsSyncError {
  const known = [...directory.systems].sort().join(", ");
  return new HmsSyncError(
    "unknown_system",
    `"${system.slice(0, 100)}" is no producer or consumer of any topic in topics.yaml; known: ${known}`,
    { status: 404 },
  );
}
