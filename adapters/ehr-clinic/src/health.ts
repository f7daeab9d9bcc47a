import { once } from "node:events";
import { createServer } from "node:http";
import type { Bus } from "@hms-sync/client";

/** Answers every request on that port with the bus's health: 200 while all is well, else 503. No port, no probe. */
export async function serveHealth(bus: Bus, port: string | undefined) {
  if (!port) return undefined;
  const server = createServer((_request, response) => {
    const health = bus.health();
    response.writeHead(health.ok ? 200 : 503, { "content-type": "application/json" });
    response.end(JSON.stringify(health));
  });
  server.listen(Number(port), process.env.HEALTH_HOST || "127.0.0.1");
  await once(server, "listening");
  return {
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
