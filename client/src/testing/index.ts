export type { Duration, TestBusOptions, TestTopicOptions, Validate } from "./options.js";
export {
  type AckedEvent,
  createTestBus,
  type DeadLetter,
  type IdleOptions,
  type OwedEvent,
  type PublishedEvent,
  type ReplayOptions,
  type TestBus,
  type TestConnectOptions,
  type TestPublishOptions,
} from "./test-bus.js";
