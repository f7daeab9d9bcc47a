import { type FSWatcher, watch } from "node:fs";
import { basename, dirname, join } from "node:path";

export interface WatcherLog {
  warn(message: string, fields?: Record<string, unknown>): void;
}

/** A change counts when nothing has changed any more for this long (ms): files are seldom written in one step. */
const quietMs = 250;

/**
 * Tells when topics.yaml or a file below the schemas/ beside it was changed. The folder of topics.yaml is watched, not
 * the file: editors and mounted configuration replace it. Where the system cannot watch, that is said once; SIGHUP
 * works everywhere but on Windows.
 */
export class RegistryWatcher {
  private readonly watchers: FSWatcher[] = [];
  private timer: NodeJS.Timeout | undefined;
  private schemas: FSWatcher | undefined;

  constructor(
    private readonly topicsFile: string,
    private readonly onChange: () => void,
    private readonly log: WatcherLog,
  ) {}

  start(): void {
    const folder = dirname(this.topicsFile);
    const names = new Set([basename(this.topicsFile), "schemas", "..data"]); // ..data: Kubernetes replaces this link
    this.watch(folder, false, (name) => {
      if (name !== null && !names.has(name)) return;
      if (name !== basename(this.topicsFile)) this.watchSchemas(folder);
      this.changed();
    });
    this.watchSchemas(folder);
  }

  close(): void {
    clearTimeout(this.timer);
    for (const watcher of this.watchers) watcher.close();
    this.schemas?.close();
  }

  // Anew whenever the folder itself was replaced: the old watch sees the old folder.
  private watchSchemas(folder: string): void {
    this.schemas?.close();
    try {
      this.schemas = watch(join(folder, "schemas"), { recursive: true }, () => this.changed());
      this.schemas.on("error", (error) => this.cannotWatch(error));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") this.cannotWatch(error);
    }
  }

  private watch(folder: string, recursive: boolean, onEvent: (name: string | null) => void): void {
    try {
      const watcher = watch(folder, { recursive }, (_kind, name) => onEvent(name));
      watcher.on("error", (error) => this.cannotWatch(error));
      this.watchers.push(watcher);
    } catch (error) {
      this.cannotWatch(error);
    }
  }

  private changed(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.onChange, quietMs);
  }

  private cannotWatch(error: unknown): void {
    this.log.warn("topics.yaml cannot be watched for changes; send SIGHUP after a change", {
      error: String(error),
    });
  }
}
