// The contact sources of this desktop, kept by its agent.
import type { ConnectorHost, Secrets } from "../connectors/host";
import type { Store } from "../store.svelte";
import type { Reply } from "../types/Reply";
import type { Request } from "../types/Request";
import type { Connector } from "../wire/Connector";
import type { ConnectorKind } from "../wire/ConnectorKind";
import type { ConnectorSettings } from "../wire/ConnectorSettings";
import type { Finding } from "../wire/Finding";

const SILENT = "The Sidetone agent did not answer. Try again.";
const ODD = "This was answered by something else.";

export class AgentConnectors implements ConnectorHost {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  get kinds(): ConnectorKind[] {
    return this.#store.state?.settings.connectors.kinds ?? [];
  }

  get connected(): Connector[] {
    return this.#store.state?.settings.connectors.connected ?? [];
  }

  async save(connector: ConnectorSettings, secrets: Secrets): Promise<void> {
    await this.#ask({ request: "save_connector", connector, secrets });
  }

  async remove(id: string): Promise<void> {
    await this.#ask({ request: "remove_connector", connector: id });
  }

  async move({ id }: Connector, to: number): Promise<void> {
    await this.#ask({ request: "move_connector", connector: id, to });
  }

  async test(connector: ConnectorSettings, secrets: Secrets): Promise<Finding[]> {
    const reply = await this.#ask({ request: "test_connector", connector, secrets });
    if (reply.reply !== "findings") throw new Error(ODD);
    return reply.value.findings;
  }

  async readFile(file: string): Promise<ConnectorKind> {
    const reply = await this.#ask({ request: "read_connector_file", file });
    if (reply.reply !== "connector_kind") throw new Error(ODD);
    return reply.value;
  }

  async signIn(id: string): Promise<void> {
    await this.#ask({ request: "sign_in_connector", connector: id });
  }

  async #ask(request: Request): Promise<Reply> {
    const reply = await this.#store.backend.request(request).catch(() => Promise.reject(new Error(SILENT)));
    if (reply.reply === "refused") throw new Error(reply.value.words);
    return reply;
  }
}
