import type { IncomingHttpHeaders } from "node:http";
import { HmsSyncError } from "../../errors.js";

/** How a request carries events: a payload alone, or CloudEvents 1.0 in one of their three HTTP content modes. */
export type Form = "payload" | "structured" | "binary" | "batch";

const token = "[a-z0-9!#$&^_.-]+";
const jsonType = new RegExp(`^${token}/(?:${token}\\+)?json$`);
const taken = "send application/json, application/cloudevents+json or application/cloudevents-batch+json";

/**
 * The form that Content-Type and `ce-` headers say; without Content-Type JSON is meant.
 * Throws `unsupported_media_type` (415) for what is not JSON in UTF-8.
 */
export function formOf(headers: IncomingHttpHeaders): Form {
  const { type, charset } = parsed(headers["content-type"] ?? "application/json");
  if (charset !== undefined && charset !== "utf-8") throw unsupported(`charset "${charset}"`, "send UTF-8");
  if (type === "application/cloudevents-batch+json") return "batch";
  if (type === "application/cloudevents+json") return "structured";
  if (!jsonType.test(type) || type.startsWith("application/cloudevents")) {
    throw unsupported(`content type "${type}"`, taken);
  }
  return Object.keys(headers).some((name) => name.startsWith("ce-")) ? "binary" : "payload";
}

/** Refuses a `datacontenttype` that is not JSON in UTF-8 (`unsupported_media_type`, 415). */
export function mustBeJson(datacontenttype: string): void {
  const { type, charset } = parsed(datacontenttype);
  if (jsonType.test(type) && (charset === undefined || charset === "utf-8")) return;
  throw unsupported(`datacontenttype "${datacontenttype}"`, "send JSON in UTF-8: payloads are JSON");
}

function parsed(mediaType: string): { type: string; charset: string | undefined } {
  const [type, ...parameters] = mediaType.toLowerCase().split(";");
  const charset = parameters
    .map((parameter) => /^\s*charset\s*=\s*"?([^"\s]*)"?\s*$/.exec(parameter)?.[1])
    .find((value) => value !== undefined);
  return { type: type!.trim(), charset: charset === "utf8" ? "utf-8" : charset };
}

function unsupported(what: string, remedy: string): HmsSyncError {
  return new HmsSyncError("unsupported_media_type", `${what.slice(0, 120)} is not taken; ${remedy}`, {
    status: 415,
  });
}
