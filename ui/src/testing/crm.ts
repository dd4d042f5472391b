// A made-up CRM for tests and pictures: its people, its forms, and how it is set up.
import type { Answer } from "../wire/Answer";
import type { Connector } from "../wire/Connector";
import type { ConnectorKind } from "../wire/ConnectorKind";
import type { Finding } from "../wire/Finding";
import type { FormField } from "../wire/FormField";
import type { Person } from "../wire/Person";
import type { PersonForm } from "../wire/PersonForm";
import type { Request } from "../wire/Request";
import { asking, found, somebody } from "./people";

export const lovelace = somebody({
  name: "Ada Lovelace",
  company: "Analytical Engines Ltd",
  source: "Tryton",
  record: { source: "tryton", kind: "party", id: "7" },
  email: "ada@example.com",
  owner: "Boris Orlov",
  url: "https://crm.example.com/#party/7",
  numbers: ["+44 20 7946 0958", "+44 7700 900123"],
  facts: [
    { label: "Deal", value: "Difference Engine No. 2 · £17,000 · offer sent", url: "https://crm.example.com/#deal/3" },
    { label: "Ticket", value: "#4411 Punched cards jam, waiting for parts", url: null },
    { label: "Last call", value: "yesterday 14:10, Boris: “wants a quote by Friday”", url: null },
    { label: "Since", value: "2019", url: null },
  ],
});

export const ivanov = somebody({
  name: "Иван Иванов",
  company: "ООО Ромашка",
  source: "Tryton",
  record: { source: "tryton", kind: "party", id: "8" },
  numbers: ["+7 906 219-50-47"],
});

export const ivanova = somebody({
  name: "Мария Иванова",
  source: "contacts.vcf",
  record: { source: "contacts", kind: "person", id: "12" },
  email: "maria@example.com",
});

export const everyone: Person[] = [lovelace, ivanov, ivanova];

export function field(name: string, title: string, over: Partial<FormField> = {}): FormField {
  return {
    name,
    title: { en: title, ru: `${title} (ru)` },
    help: {},
    kind: "text",
    required: false,
    value: "",
    is_stored: false,
    options: [],
    ...over,
  };
}

export const forms: PersonForm[] = [
  {
    source: "tryton",
    title: "Tryton",
    fields: [
      field("name", "Name", { required: true }),
      field("number", "Number", { value: "+44 20 7946 0958" }),
      field("language", "Language", { kind: "select", options: ["English", "Русский"], value: "English" }),
      field("is_person", "A person, not a company", { kind: "bool", value: "true" }),
    ],
  },
  { source: "odoo", title: "Odoo", fields: [field("name", "Contact name", { required: true })] },
];

export const kinds: ConnectorKind[] = [
  ["amocrm", "amoCRM / Kommo"],
  ["carddav", "CardDAV address book"],
  ["dynamics", "Dynamics 365"],
  ["espocrm", "EspoCRM"],
  ["hubspot", "HubSpot"],
  ["ldap", "LDAP or Active Directory"],
  ["odoo", "Odoo 19"],
  ["tryton", "Tryton"],
  ["zendesk", "Zendesk"],
].map(([file, title]) => ({ file: file!, title: title!, fields: connectorFields(), trouble: [] }));

function connectorFields(over: Record<string, Partial<FormField>> = {}): FormField[] {
  return [
    field("base_url", "Address", {
      kind: "url",
      required: true,
      help: { en: "As in the browser." },
      ...over["base_url"],
    }),
    field("database", "Database", { ...over["database"] }),
    field("api_key", "API key", { kind: "secret", required: true, ...over["api_key"] }),
  ];
}

export function connector(over: Partial<Connector> = {}): Connector {
  return {
    id: "tryton",
    file: "tryton",
    title: "Tryton",
    enabled: true,
    fields: connectorFields({
      base_url: { value: "https://crm.example.com" },
      database: { value: "firm" },
      api_key: { is_stored: true },
    }),
    state: { state: "works", took_ms: 84, at: Date.UTC(2026, 10, 21, 11, 52) },
    set_by: null,
    not_kept: null,
    ...over,
  };
}

export const connected: Connector[] = [
  connector(),
  connector({
    id: "odoo",
    file: "odoo",
    title: "Odoo 19",
    state: { state: "trouble", words: "Odoo refuses the key (401: “Access Denied”). Make a new one in its settings." },
  }),
  connector({
    id: "directory",
    file: "ldap",
    title: "LDAP or Active Directory",
    enabled: false,
    state: { state: "off" },
  }),
  connector({ id: "erp", file: "./erp.toml", title: "Our ERP", state: { state: "ready" }, set_by: "server.toml" }),
];

export const findings: Finding[] = [
  { passed: true, what: "", words: "crm.example.com answers in 41 ms; its certificate is trusted." },
  { passed: true, what: "", words: "The key is accepted as Anna Petrova." },
  {
    passed: false,
    what: "Lookup",
    words: "Tryton says: “The field phone does not exist on party.party”. Install its module party_phone.",
  },
];

/** As a server with that CRM answers; the first search is half done. */
export function crmAnswers(): (request: Request) => Answer {
  let searches = 0;
  return (request) => {
    switch (request.request) {
      case "find_people": {
        const words = request.text.toLowerCase();
        const people = everyone.filter((one) => `${one.name} ${one.company}`.toLowerCase().includes(words));
        searches += 1;
        const slow = searches === 1 ? asking("Odoo") : found("Odoo", 812, 0);
        return { answer: "found", people, sources: [found("Tryton", 84, people.length), slow] };
      }
      case "person_forms":
        return { answer: "forms", forms };
      case "create_person":
        return { answer: "failed", code: "refused", message: "Tryton says: “The party’s name is taken.”" };
      default:
        return { answer: "done" };
    }
  };
}
