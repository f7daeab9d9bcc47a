/** Counts what is handed out and neither settled nor given up, and keeps it below a limit. */
export class Handouts {
  count = 0;

  constructor(
    private readonly limit: number,
    /** Called when there is room again. */
    private readonly onRoom: () => void,
  ) {}

  get hasRoom(): boolean {
    return this.count < this.limit;
  }

  get limited(): boolean {
    return this.limit !== Number.POSITIVE_INFINITY;
  }

  closed(): void {
    if (this.count-- === this.limit) this.onRoom();
  }
}
