import { afterEach, beforeEach } from "vitest";
import {
  type Bus,
  type ConnectOptions,
  connect,
  type LogFields,
  type Message,
  type Subscription,
} from "../../src/index.js";
import { ScriptedBus } from "./scripted-bus.js";

/** A scripted bus for each test, what the client logged, and connections that end with the test. */
export interface Fixture {
  server: ScriptedBus;
  lines: string[];
  /** What came with each of the lines. */
  fields: LogFields[];
  connect(options?: ConnectOptions): Promise<Bus>;
}

export function fixture(): Fixture {
  const open: Bus[] = [];
  const made: Fixture = {
    server: new ScriptedBus(),
    lines: [],
    fields: [],
    async connect(options = {}) {
      const add = (message: string, fields: LogFields = {}) => {
        made.lines.push(message);
        made.fields.push(fields);
      };
      const logger = { info: add, warn: add, error: add };
      const bus = await connect({ url: made.server.url, token: "secret", drain: false, logger, ...options });
      open.push(bus);
      return bus;
    },
  };
  beforeEach(async () => {
    made.lines = [];
    made.fields = [];
    made.server = await new ScriptedBus().start();
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((bus) => bus.close()));
    await made.server.close();
  });
  return made;
}

export async function next<T>(subscription: Subscription<T>): Promise<Message<T>> {
  const { value, done } = await subscription.next();
  if (done) throw new Error("the subscription has ended");
  return value;
}
