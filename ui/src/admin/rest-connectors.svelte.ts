// The contact sources of the server, by REST.
import { leadsAway } from "../people/text";
import { settingsOf, type ConnectorHost, type Secrets } from "../connectors/host";
import { Load } from "../web/load.svelte";
import type { Host, Rest } from "../web/host";
import type { Connector } from "../wire/Connector";
import type { ConnectorChange } from "../wire/ConnectorChange";
import type { ConnectorKind } from "../wire/ConnectorKind";
import type { ConnectorSettings } from "../wire/ConnectorSettings";
import type { Connectors } from "../wire/Connectors";
import type { ConnectorSignIn } from "../wire/ConnectorSignIn";
import type { Finding } from "../wire/Finding";
import type { Findings } from "../wire/Findings";

/** A test tells of a slow CRM only after it has waited for it. */
const TEST_MS = 60_000;

export class RestConnectors implements ConnectorHost {
  readonly load: Load<Connectors>;
  readonly #rest: Rest;
  readonly #host: Pick<Host, "openBeside">;

  constructor(rest: Rest, host: Pick<Host, "openBeside">) {
    this.#rest = rest;
    this.#host = host;
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

  /** In a page beside this one; how it went is seen there, and here by the next test. */
  async signIn(id: string): Promise<void> {
    const page = this.#host.openBeside();
    try {
      const { url } = await this.#rest.post<ConnectorSignIn>(`${path(id)}/signin`);
      if (!leadsAway(url, true)) throw new Error("The server names no page of the web to sign in at.");
      page.goTo(url);
    } catch (error) {
      page.close();
      throw error;
    }
  }
}

function path(id: string): string {
  return `/admin/connectors/${encodeURIComponent(id)}`;
}

function change({ file, enabled, values }: ConnectorSettings, secrets: Secrets): ConnectorChange {
  return { file, enabled, values, secrets, place: null };
}
