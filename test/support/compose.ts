import { existsSync } from "node:fs";
import { join } from "node:path";
import { holdsSecret, isPinned } from "./dockerfile.js";

export interface Service {
  readonly image: string;
  readonly build?: { readonly context: string; readonly target?: string; readonly dockerfile?: string };
  readonly user?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly networks?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly restart?: string;
  readonly [option: string]: unknown;
}

export interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, object>>;
  readonly volumes: Readonly<Record<string, object>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

/** A sentence for each rule that a compose file breaks. `root` is the folder in which it stands. */
export function composeProblems(compose: Compose, root: string): string[] {
  return Object.entries(compose.services).flatMap(([name, service]) =>
    [
      ...hardening(service),
      ...references(service, compose),
      ...mounts(service, compose, root),
      ...settings(service),
    ].map((problem) => `${name}: ${problem}`),
  );
}

function hardening(service: Service): string[] {
  const { read_only, cap_drop, security_opt, privileged, init, image, build, user, healthcheck, restart } =
    service;
  const rules: [boolean, string][] = [
    [read_only === true, "the root is not read-only"],
    [JSON.stringify(cap_drop) === '["ALL"]', "not all capabilities are dropped"],
    [JSON.stringify(security_opt) === '["no-new-privileges:true"]', "new privileges are allowed"],
    [privileged === undefined, "it is privileged"],
    [init === true, "no init reaps its children"],
    [isPinned(image), `${image} is not pinned`],
    [build !== undefined || (user !== undefined && !/^(root|0)(:|$)/.test(user)), "it runs as root"],
    [build !== undefined || healthcheck !== undefined, "it has no health check"],
    [restart === "unless-stopped" || restart === "no", "it does not say when it is started again"],
  ];
  return rules.flatMap(([kept, problem]) => (kept ? [] : [problem]));
}

function references({ secrets, networks, depends_on }: Service, compose: Compose): string[] {
  const missing = (names: readonly string[] | undefined, known: object, what: string) =>
    (names ?? []).flatMap((name) => (name in known ? [] : [`${what} ${name} is not declared`]));
  const early = Object.entries(depends_on ?? {}).filter(
    ([, { condition }]) => condition !== "service_healthy",
  );
  return [
    ...missing(secrets, compose.secrets, "secret"),
    ...missing(networks, compose.networks, "network"),
    ...missing(Object.keys(depends_on ?? {}), compose.services, "service"),
    ...early.map(([name]) => `it does not wait until ${name} is healthy`),
  ];
}

function mounts({ volumes = [], ports = [] }: Service, compose: Compose, root: string): string[] {
  const wrong = volumes.flatMap((volume) => {
    const [source, , mode] = volume.split(":");
    if (!source!.startsWith("."))
      return source! in compose.volumes ? [] : [`volume ${source} is not declared`];
    if (!existsSync(join(root, source!))) return [`${source} does not exist`];
    return mode === "ro" ? [] : [`${source} is not mounted read-only`];
  });
  return [
    ...wrong,
    ...ports
      .filter((port) => !port.startsWith("127.0.0.1:"))
      .map((port) => `${port} is open to every address`),
  ];
}

function settings({ environment = {}, secrets = [] }: Service): string[] {
  return Object.entries(environment).flatMap(([name, value]) => {
    if (holdsSecret(name) && !value.startsWith("/")) return [`${name} is a secret in the environment`];
    const [, secret] = /^\/run\/secrets\/(.+)$/.exec(value) ?? [];
    return secret !== undefined && !secrets.includes(secret)
      ? [`${name}: the secret ${secret} is not given to it`]
      : [];
  });
}
