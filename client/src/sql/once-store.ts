/** What `once` remembers of an event. All texts are ASCII, so that no column's charset can refuse or change them. */
export interface OnceRecord {
  /**
   * 64 hexadecimal digits that stand for consumer, topic, source, id and redo: the one column that has to be unique.
   * A digest, since ids compare differently in each collation, are longer than an index allows in some databases, and
   * an empty text is NULL in Oracle.
   */
  readonly key: string;
  readonly consumer: string;
  readonly topic: string;
  readonly source: string;
  /** For people: the event's id, other than ASCII escaped as `\u00e9`, cut at 255 characters. */
  readonly id: string;
  /** The replay that asked for its events to count as new; null normally. */
  readonly redo: string | null;
  readonly doneAt: Date;
  /** When nothing can bring the event again any more: the end of its replay window, or now, and 24 hours. */
  readonly keepUntil: Date;
}

/** Whose records. A store may look at all of them instead. */
export interface OnceScope {
  readonly consumer: string;
  readonly topic: string;
}

/** Where `once` keeps its records, for a driver that is not knex. All three work in the caller's open transaction. */
export interface OnceStore {
  /**
   * Inserts the record, and gives false when one with its key is there already; the transaction goes on then. A record
   * that another transaction has inserted and not committed is waited for: a plain INSERT into a unique column does so.
   */
  insert(record: OnceRecord): Promise<boolean>;
  /** The smallest `keepUntil` there is; undefined without records. */
  oldest(scope: OnceScope): Promise<Date | undefined>;
  /** Deletes records with a `keepUntil` before that, those with the smallest first; some hundred at most, not all. */
  prune(before: Date, scope: OnceScope): Promise<void>;
}
