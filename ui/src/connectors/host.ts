// What the settings of contact sources know of whoever keeps them: the agent of a desktop, or a server.
import { isSecret } from "../forms/fields";
import type { Connector } from "../wire/Connector";
import type { ConnectorKind } from "../wire/ConnectorKind";
import type { ConnectorSettings } from "../wire/ConnectorSettings";
import type { ConnectorState } from "../wire/ConnectorState";
import type { Finding } from "../wire/Finding";
import type { FormField } from "../wire/FormField";
import { timeOfDay } from "../words";

/** By the names of a form's fields; what is left out stays as it is stored. */
export type Secrets = Record<string, string>;

/** Whatever cannot be done is thrown as an `Error` with a sentence. */
export interface ConnectorHost {
  /** What can be connected; empty until it is known. */
  readonly kinds: ConnectorKind[];
  /** In the order in which they are asked. */
  readonly connected: Connector[];
  save(connector: ConnectorSettings, secrets: Secrets): Promise<void>;
  remove(id: string): Promise<void>;
  /** It is asked at this place from now on; 0: first. */
  move(connector: Connector, to: number): Promise<void>;
  /** As typed, before it is saved. */
  test(connector: ConnectorSettings, secrets: Secrets): Promise<Finding[]>;
  /** The form of a description of one's own. Absent: not from here. */
  readFile?(file: string): Promise<ConnectorKind>;
  /** Signs in by the browser. Absent: not from here. */
  signIn?(id: string): Promise<void>;
}

/** As it is saved again: everything but the secrets, which stay where they are. */
export function settingsOf({ id, file, enabled, fields }: Connector): ConnectorSettings {
  return { id, file, enabled, values: plainValues(fields, Object.fromEntries(fields.map((f) => [f.name, f.value]))) };
}

export function plainValues(fields: FormField[], typed: Record<string, string>): ConnectorSettings["values"] {
  const plain = fields.filter(({ kind }) => !isSecret(kind) && kind !== "oauth");
  return Object.fromEntries(plain.map(({ name }) => [name, (typed[name] ?? "").trim()]));
}

/** Those that were typed; they are never trimmed, for a space may belong to them. */
export function typedSecrets(fields: FormField[], typed: Record<string, string>): Secrets {
  const secret = fields.filter(({ kind, name }) => isSecret(kind) && (typed[name] ?? "") !== "");
  return Object.fromEntries(secret.map(({ name }) => [name, typed[name]!]));
}

/** "odoo", "odoo-2": a name that nobody has yet. */
export function freeId(file: string, connected: Connector[]): string {
  const stem = (file.split(/[\\/]/).at(-1) ?? "").replace(/\.toml$/i, "").replace(/[^A-Za-z0-9._-]+/g, "-");
  const base = stem.slice(0, 40) || "source";
  const taken = new Set(connected.map(({ id }) => id));
  let id = base;
  for (let n = 2; taken.has(id); n += 1) id = `${base}-${n}`;
  return id;
}

export function stateWords(state: ConnectorState): string {
  switch (state.state) {
    case "off":
      return "switched off";
    case "starting":
      return "getting ready";
    case "ready":
      return "ready, not asked yet";
    case "works":
      return `works: ${state.took_ms} ms at ${timeOfDay(state.at)}`;
    case "trouble":
      return state.words;
  }
}
