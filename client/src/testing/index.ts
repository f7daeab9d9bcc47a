export type { Duration, TestBusOptions, TestTopicOptions, Validate } from "./options.js";
export {
  type AckedEvent,
  createTestBus,
  type DeadEvent,
  type IdleOptions,
  type OwedTestEvent,
  type PublishedEvent,
  type ReplayOptions,
  type TestBus,
  type TestConnectOptions,
  type TestPublishOptions,
} from "./test-bus.js";
