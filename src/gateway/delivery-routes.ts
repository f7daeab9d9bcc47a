import type { IncomingMessage, ServerResponse } from "node:http";
import { HmsSyncError } from "../errors.js";
import { consumerFor, topicNamed } from "./authorize.js";
import { bodyObject, readBody } from "./body.js";
import { framedDeliveries, framedType, jsonDeliveries, readPull, readSettles } from "./deliveries.js";
import type { Directory, GatewayLog, GatewayQueue, Identity, Lease } from "./types.js";

export interface DeliveryRouteParts {
  readonly directory: Directory;
  readonly queue: (consumer: string, topic: string) => GatewayQueue | undefined;
  /** Largest body in bytes. */
  readonly bodyLimit: number;
  /** Aborted when the gateway closes: waiting pulls then answer at once. */
  readonly closing: AbortSignal;
  readonly log: GatewayLog;
}

/**
 * The two routes every event passes: POST /v1/topics/{topic}/pull and …/settle. Served on node:http directly, since a
 * framework costs more here than the work itself. Stateless: any sidecar takes any call.
 */
export class DeliveryRoutes {
  constructor(private readonly parts: DeliveryRouteParts) {}

  /** Settles what rides along, then leases; waits only when nothing was settled. */
  async pull(
    request: IncomingMessage,
    response: ServerResponse,
    identity: Identity,
    topic: string,
  ): Promise<void> {
    const queue = this.queueFor(request, identity, topic);
    const { max, waitMs, settle } = readPull(bodyObject(await readBody(request, this.parts.bodyLimit)));
    const settled = settle.length > 0 ? await queue.settle(settle) : [];
    const gone = abortOn(response, this.parts.closing);
    // A pull with settles must not wait: its answers are waited for.
    const leases = await queue.pull(max, settle.length > 0 ? 0 : waitMs, gone.signal);
    gone.done();
    if (response.destroyed || response.socket?.destroyed) return await this.giveBack(queue, leases, topic);
    const framed = request.headers.accept?.includes(framedType) === true;
    const answer = (framed ? framedDeliveries : jsonDeliveries)(leases, settled, queue.policy.ackWaitMs);
    send(response, framed ? framedType : "application/json", answer);
  }

  async settle(
    request: IncomingMessage,
    response: ServerResponse,
    identity: Identity,
    topic: string,
  ): Promise<void> {
    const queue = this.queueFor(request, identity, topic);
    const settles = readSettles(bodyObject(await readBody(request, this.parts.bodyLimit)));
    const settled = await queue.settle(settles);
    send(response, "application/json", Buffer.from(JSON.stringify({ settled })));
  }

  private queueFor(request: IncomingMessage, identity: Identity, name: string): GatewayQueue {
    const topic = topicNamed(this.parts.directory, name);
    const asked = request.headers["hms-sync-consumer"];
    const consumer = consumerFor(identity, Array.isArray(asked) ? asked[0] : asked, topic);
    const queue = this.parts.queue(consumer, name);
    if (queue === undefined) {
      throw new HmsSyncError("unavailable", `${consumer} of ${name} is not served yet; try again`, {
        status: 503,
        retryable: true,
      });
    }
    return queue;
  }

  // The client went away while it waited: its events go to the next pull instead of waiting for the lease to lapse.
  private async giveBack(queue: GatewayQueue, leases: readonly Lease[], topic: string): Promise<void> {
    for (const { lease, indexes } of leases) {
      await queue.settle(
        indexes.map((index) => ({ token: `${lease}.${index}`, action: "release" as const })),
      );
    }
    if (leases.length > 0)
      this.parts.log.info("client was gone before its answer; events given back", { topic });
  }
}

function send(response: ServerResponse, type: string, body: Buffer): void {
  response.writeHead(200, { "content-type": type, "content-length": body.length });
  response.end(body);
}

function abortOn(response: ServerResponse, closing: AbortSignal): { signal: AbortSignal; done(): void } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  response.on("close", abort);
  closing.addEventListener("abort", abort);
  if (closing.aborted || response.destroyed) abort();
  return {
    signal: controller.signal,
    done() {
      response.off("close", abort);
      closing.removeEventListener("abort", abort);
    },
  };
}
