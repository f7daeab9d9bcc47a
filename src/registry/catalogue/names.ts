const longest = 120; // files are named after classes, and a file's name has 255 bytes

/** Text as a PascalCase name of ASCII letters and digits; empty when it has none. */
export function pascalCase(text: string): string {
  const words = text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .split(/[^A-Za-z0-9]+/);
  return words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join("");
}

/** The type name of one version of a topic: `InspectionsStatusV1`. */
export function typeName(topic: string, version: number): string {
  const name = `${pascalCase(topic)}V${version}`;
  return /^\d/.test(name) ? `T${name}` : name;
}

/** Names of which no two differ in case alone: PHP's classes and many file systems do not tell them apart. */
export class UniqueNames {
  private readonly taken = new Set<string>();
  /** By wanted name, the number that was given last. */
  private readonly numbers = new Map<string, number>();

  /** The name itself, or with a number after it. */
  claim(wanted: string): string {
    const base = wanted.slice(0, longest);
    let name = base;
    let number = this.numbers.get(base.toLowerCase()) ?? 1;
    while (this.taken.has(name.toLowerCase())) name = `${base}_${++number}`;
    this.numbers.set(base.toLowerCase(), number);
    this.taken.add(name.toLowerCase());
    return name;
  }
}
