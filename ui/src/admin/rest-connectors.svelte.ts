// The contact sources of the server, by REST.
import { settingsOf, type ConnectorHost, type Secrets } from "../connectors/host";
import { Load } from "../web/load.svelte";
import type { Rest } from "../web/host";
import type { Connector } from "../wire/Connector";
import type { ConnectorChange } from "../wire/ConnectorChange";
import type { ConnectorKind } from "../wire/ConnectorKind";
import type { ConnectorSettings } from "../wire/ConnectorSettings";
import type { Connectors } from "../wire/Connectors";
import type { Finding } from "../wire/Finding";
import type { Findings } from "../wire/Findings";

/** A test tells of a slow CRM only after it has waited for it. */
const TEST_MS = 60_000;

export class RestConnectors implements ConnectorHost {
  readonly load: Load<Connectors>;
  readonly #rest: Rest;

  constructor(rest: Rest) {
    this.#rest = rest;
    this.load = new Load(() => rest.get<Connectors>("/admin/connectors"));
  }

  get kinds(): ConnectorKind[] {
    return this.load.value?.kinds ?? [];
  }

  get connected(): Connector[] {
    return this.load.value?.connected ?? [];
  }

  async save(connector: ConnectorSettings, secrets: Secrets): Promise<void> {
    await this.#rest.put(path(connector.id), change(connector, secrets));
    await this.load.again();
  }

  async remove(id: string): Promise<void> {
    await this.#rest.delete(path(id));
    await this.load.again();
  }

  async move(connector: Connector, to: number): Promise<void> {
    await this.#rest.put(path(connector.id), { ...change(settingsOf(connector), {}), place: to });
    await this.load.again();
  }

  async test(connector: ConnectorSettings, secrets: Secrets): Promise<Finding[]> {
    const body = change(connector, secrets);
    const answer = await this.#rest.post<Findings>(`${path(connector.id)}/test`, body, TEST_MS);
    return answer.findings;
  }
}

function path(id: string): string {
  return `/admin/connectors/${encodeURIComponent(id)}`;
}

function change({ file, enabled, values }: ConnectorSettings, secrets: Secrets): ConnectorChange {
  return { file, enabled, values, secrets, place: null };
}
