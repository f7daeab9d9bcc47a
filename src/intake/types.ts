/** An event as normalize hands it on; the envelope text is complete. */
export interface IntakeEvent {
  readonly topic: string;
  readonly id: string;
  readonly source: string;
  readonly systems: string;
  readonly text: string;
  readonly digest: string;
}

export interface IntakeRejection {
  readonly code: string;
  readonly reason: string;
  readonly channel?: string;
}

/** What one broadcast became: N channels that are topics make N events. */
export interface IntakeOutcome {
  readonly source: string;
  readonly events: readonly IntakeEvent[];
  readonly rejects: readonly IntakeRejection[];
  /** Channels that are no topic. */
  readonly ignored: readonly string[];
  /** Id of a probe: no event, only noted as arrived. */
  readonly probe?: string;
}

/** What intake needs of the ledger. */
export interface IntakeLedger {
  record(
    topic: string,
    events: readonly IntakeEvent[],
    options: { rememberMs: number; epoch?: number },
  ): Promise<{ status: "new" | "duplicate" | "conflict"; ledgerId: string }[]>;
}

export interface IntakeLog {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** One message of a door, before anything looked at it. */
export interface RawMessage {
  readonly original: Buffer;
  /** Parses and normalizes; throws an error with `code` when the bytes are no broadcast at all. */
  read(): IntakeOutcome;
  readonly channel: string;
}
