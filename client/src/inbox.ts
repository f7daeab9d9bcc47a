/** What waits between the bus and a for-await loop: items that came early, or readers that did. */
export class Inbox<Item> {
  private items: Item[] = [];
  private head = 0;
  private readonly readers: Reader<Item>[] = [];

  /** Items that wait. */
  get size(): number {
    return this.items.length - this.head;
  }

  /** Readers that wait. */
  get waiting(): number {
    return this.readers.length;
  }

  push(item: Item): void {
    this.items.push(item);
  }

  /** The next item, left where it is. */
  peek(): Item | undefined {
    return this.items[this.head];
  }

  /** The next item, or undefined. */
  shift(): Item | undefined {
    const item = this.items[this.head];
    if (item === undefined) return undefined;
    this.items[this.head] = undefined as Item; // not kept alive by the buffer
    this.head++;
    if (this.head === this.items.length || this.head > 1_024) this.compact();
    return item;
  }

  /** Removes and gives everything that waits. */
  clear(): Item[] {
    const items = this.items.slice(this.head);
    this.items = [];
    this.head = 0;
    return items;
  }

  /** Keeps what fits the condition. */
  filter(keep: (item: Item) => boolean): void {
    this.items = this.clear().filter(keep);
  }

  /** Registers a reader. */
  wait(): Promise<Item | undefined> {
    return new Promise((resolve, reject) => {
      this.readers.push({ resolve, reject });
    });
  }

  /** Takes the reader that waits longest. */
  reader(): Reader<Item> | undefined {
    return this.readers.shift();
  }

  private compact(): void {
    this.items = this.items.slice(this.head);
    this.head = 0;
  }
}

export interface Reader<Item> {
  readonly resolve: (item: Item | undefined) => void;
  readonly reject: (error: Error) => void;
}
