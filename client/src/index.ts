export type { Bus, SubscribeOptions, TopicPayloads } from "./bus.js";
export { type ConnectOptions, connect } from "./connect.js";
export { type FieldError, HmsSyncClientError } from "./errors.js";
export type { LogFields, Logger } from "./log.js";
export type { Envelope, Message, NackOptions } from "./message.js";
export type { Published, PublishOptions } from "./publisher.js";
export type { Subscription } from "./subscription.js";
