import type { Position, Problems } from "./problems.js";
import { nodeAt, type YamlNode } from "./yaml.js";

/** A YAML file that was read, and where to say what is wrong with it. */
export class SourceFile {
  constructor(
    readonly root: YamlNode,
    readonly name: string,
    private readonly problems: Problems,
  ) {}

  /** Where the value at a path stands; see `nodeAt`. */
  at(path: readonly (string | number)[]): Position {
    return nodeAt(this.root, path.map(String));
  }

  /** Adds a problem of the value at a path. */
  refuse(path: readonly (string | number)[], text: string): void {
    this.problems.add(this.name, this.at(path), text);
  }

  /** Adds a problem of a member's name. */
  refuseKey(path: readonly (string | number)[], key: string, text: string): void {
    const { node, ...at } = nodeAt(this.root, path.map(String));
    const entry = node.kind === "map" ? node.entries.get(key) : undefined;
    this.problems.add(this.name, entry ?? at, text);
  }
}
