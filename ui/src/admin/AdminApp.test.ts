import { render, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import { connected, connector, field, findings, kinds } from "../testing/crm";
import { FakeHost, refusal } from "../testing/fake-host.svelte";
import { FakeLine } from "../testing/fake-line";
import { dial, firm, me, SINCE } from "../testing/firm";
import { expectAccessible, expectNothingInjected } from "../testing/open";
import { HOSTILE } from "../testing/samples";
import { withHost } from "../web/host";
import type { Answer } from "../wire/Answer";
import type { Health } from "../wire/Health";
import type { Request } from "../wire/Request";
import type { User } from "../wire/User";
import AdminApp from "./AdminApp.svelte";

beforeEach(() => history.replaceState(null, "", "/"));

test("who_is_no_administrator_is_sent_to_the_panel", async () => {
  const { host } = open("health", {}, { administer: false });
  expect(screen.getByText(/Only administrators see these pages/)).toBeTruthy();
  expect(host.asked).toEqual([]);
  await expectAccessible();
});

test("health_shows_lines_lag_and_what_waits", async () => {
  open("health", { "GET /admin/health": health({ store_trouble: "the disk is full" }) });
  expect((await screen.findByRole("row", { name: /main/ })).textContent).toMatch(/Asterisk 22.*4 ms.*48/s);
  expect(screen.getByRole("alert").textContent).toContain("the disk is full");
  await expectAccessible();
});

test("a_check_shows_each_finding_with_a_word_for_its_result", async () => {
  const findings = [{ passed: false, what: "disk", words: "It is full." }];
  const { user } = open("systems", { "GET /admin/health": health(), "POST /admin/check": { findings } });
  await screen.findByText("The AMI user lacks “originate”.");
  await user.click(screen.getByRole("button", { name: "Check everything" }));
  expect((await screen.findByRole("row", { name: /disk/ })).textContent).toMatch(/not well.*It is full/s);
  await expectAccessible();
});

test("a_user_is_found_and_changed_with_his_policy", async () => {
  const { host, user } = open("users", {
    "GET /admin/users": [person(), person({ id: "u3", login: "chen", name: "Chen Wei" })],
  });
  await user.type(await screen.findByLabelText("Search users"), "orl");
  expect(screen.getAllByRole("row")).toHaveLength(2);
  await user.click(screen.getByRole("button", { name: "Change Boris Orlov" }));
  await expectAccessible();
  await user.selectOptions(screen.getByLabelText("Role"), "supervisor");
  const deny = screen.getByLabelText("May not call");
  await user.clear(deny);
  await user.type(deny, "+44900, +49900");
  await user.selectOptions(screen.getByLabelText("Sees all digits of numbers"), "no");
  await user.click(screen.getByRole("checkbox", { name: /Disabled/ }));
  await user.click(screen.getByRole("button", { name: "Save" }));
  const change = host.asked.find(({ route }) => route === "PUT /admin/users/u2")?.body;
  expect(change).toEqual({
    login: "boris",
    name: "Boris Orlov",
    role: "supervisor",
    pbx: "main",
    extension: "102",
    channel: null,
    groups: ["Sales", "Key accounts"],
    disabled: true,
    policy: { ...person().policy, deny: ["+44900", "+49900"], see_numbers: false },
  });
});

test("a_new_user_keeps_the_policy_that_the_server_gives", async () => {
  const { host, user } = open("users", { "GET /admin/users": [], "POST /admin/users": refusal("The login is taken.") });
  await user.click(await screen.findByRole("button", { name: "New user" }));
  await user.type(screen.getByLabelText("Login"), "dana");
  await user.type(screen.getByLabelText("Name"), "Dana Levi");
  await user.click(screen.getByRole("button", { name: "Make the user" }));
  await screen.findByText("The login is taken.");
  expect(host.asked.at(-1)?.body).toMatchObject({ login: "dana", extension: null, policy: null });
});

test("an_enrolment_shows_code_link_picture_and_expiry", async () => {
  const enrolment = {
    code: "AB-CD",
    link: "sidetone://enrol/x",
    qr: "<svg xmlns='http://www.w3.org/2000/svg'/>",
    expires: SINCE,
  };
  const { host, user } = open("enrolment", { "POST /admin/enrolments": enrolment });
  await user.type(screen.getByLabelText("Login"), "boris");
  await user.click(screen.getByRole("button", { name: "Make a code" }));
  const made = await screen.findByRole("region", { name: "Code for boris" });
  expect(made.textContent).toContain("AB-CD");
  expect(made.textContent).toContain("#enrol=AB-CD");
  expect(within(made).getByRole("img").getAttribute("src")).toBe(
    `data:image/svg+xml,${encodeURIComponent(enrolment.qr)}`,
  );
  expect(host.asked[0]?.body).toEqual({ login: "boris", hours: 24 });
  await expectAccessible();
});

test("a_number_is_explained_step_by_step_and_not_dialled", async () => {
  const { line, user } = open("numbers", {}, {}, (request) =>
    request.request === "explain"
      ? {
          answer: "explained",
          display: "+44 20",
          dials: null,
          steps: [["as written", "+44 20"]],
          words: "Too short.",
          question: null,
          people: { found: "nobody" },
        }
      : { answer: "done" },
  );
  await user.type(screen.getByLabelText("Number, link or text"), "+44 20{Enter}");
  await screen.findByText(/Too short/);
  expect(screen.getByText("as written")).toBeTruthy();
  expect(line.requests.map(({ request }) => request.request)).toEqual(["explain"]);
  await expectAccessible();
});

test("a_test_call_goes_by_rest_and_shows_its_progress", async () => {
  const { host, line, user } = open("call", {});
  await user.type(screen.getByLabelText("Number to call"), "102{Enter}");
  await waitFor(() => expect(host.asked).toHaveLength(1));
  const { id, to } = host.asked[0]!.body as { id: string; to: string };
  expect(to).toBe("102");
  line.tell(dial({ id, step: "ringing_there" }));
  expect(screen.getByRole("list", { name: "Progress" })).toBeTruthy();
  await expectAccessible();
});

test("a_webhook_tells_its_secret_once_and_is_removed_by_the_second_click", async () => {
  const hook = {
    id: "h1",
    url: "https://crm.example.com/",
    events: ["call.ended"],
    active: true,
    waiting: 0,
    last_error: null,
  };
  const { host, user } = open("webhooks", {
    "GET /admin/webhooks": [hook],
    "POST /admin/webhooks": { ...hook, secret: "whsec" },
  });
  await user.type(screen.getByLabelText("Address"), "https://x.example/");
  await user.click(screen.getByRole("checkbox", { name: "missed.opened" }));
  await user.click(screen.getByRole("button", { name: "Add the webhook" }));
  await screen.findByText("whsec");
  expect(host.asked.find(({ route }) => route === "POST /admin/webhooks")?.body).toEqual({
    url: "https://x.example/",
    events: ["call.ended", "missed.opened"],
  });
  await expectAccessible();
  await user.click(await screen.findByRole("button", { name: /^Remove https/ }));
  await user.click(screen.getByRole("button", { name: /^Remove for good/ }));
  expect(host.asked.map(({ route }) => route)).toContain("DELETE /admin/webhooks/h1");
});

test("contact_sources_are_set_up_by_rest_with_the_same_forms", async () => {
  const { host, user } = open("connectors", {
    "GET /admin/connectors": { kinds, connected },
    "POST /admin/connectors/tryton/test": { findings },
    "DELETE /admin/connectors/odoo": refusal("It is used by a rule."),
  });
  await user.click(await screen.findByRole("button", { name: "Change Tryton" }));
  await expectAccessible();
  await user.type(screen.getByLabelText(/^API key/), "hunter2");
  await user.click(screen.getByRole("button", { name: "Test Tryton" }));
  await screen.findByText("The key is accepted as Anna Petrova.");
  const change = {
    file: "tryton",
    enabled: true,
    values: { base_url: "https://crm.example.com", database: "firm" },
    secrets: { api_key: "hunter2" },
    place: null,
  };
  expect(host.asked.at(-1)).toEqual({ route: "POST /admin/connectors/tryton/test", body: change });
  await user.click(screen.getByRole("button", { name: "Save Tryton" }));
  await waitFor(() => expect(host.asked).toContainEqual({ route: "PUT /admin/connectors/tryton", body: change }));
  await user.click(await screen.findByRole("button", { name: "Ask Odoo 19 earlier" }));
  await waitFor(() =>
    expect(host.asked.find(({ route }) => route === "PUT /admin/connectors/odoo")?.body).toMatchObject({
      place: 0,
      secrets: {},
    }),
  );
  await user.click(screen.getByRole("button", { name: "Remove Odoo 19" }));
  await user.click(screen.getByRole("button", { name: "Remove for good Odoo 19" }));
  await screen.findByText("It is used by a rule.");
  // A path on the server is nothing to be typed in a browser.
  await user.click(screen.getByRole("button", { name: "Connect another" }));
  expect(screen.queryByLabelText("Or a description of your own")).toBeNull();
});

test("an_administrator_signs_in_to_a_contact_source_in_a_page_beside", async () => {
  const one = connector({ id: "zoho", title: "Zoho", fields: [field("login", "Login", { kind: "oauth" })] });
  const answers = ["https://accounts.example/oauth", "javascript:alert(1)"];
  const { host, user } = open("connectors", {
    "GET /admin/connectors": { kinds, connected: [one] },
    "POST /admin/connectors/zoho/signin": () => ({ url: answers.shift() }),
  });
  await user.click(await screen.findByRole("button", { name: "Change Zoho" }));
  await user.click(screen.getByRole("button", { name: /Sign in/ }));
  await waitFor(() => expect(host.beside).toEqual(["https://accounts.example/oauth"]));
  await user.click(await screen.findByRole("button", { name: /Sign in/ }));
  await waitFor(() => expect(host.beside[1]).toBe("closed"));
  await screen.findByText(/no page of the web/);
});

test("health_says_how_the_contact_sources_do", async () => {
  const { state } = connector();
  const sources = [{ id: "tryton", title: "Tryton", state, answers: 1207, errors: 3 }];
  open("health", { "GET /admin/health": health({ sources }) });
  expect((await screen.findByRole("row", { name: /Tryton/ })).textContent).toMatch(/works: 84 ms.*1207.*3/s);
  await expectAccessible();
});

test("audit_and_log_are_text_whatever_they_hold", async () => {
  const row = { at: SINCE, who: HOSTILE, address: HOSTILE, action: HOSTILE, target: HOSTILE, outcome: HOSTILE };
  const answers = {
    "GET /admin/audit": { rows: [row], next: "older" },
    "GET /admin/log": { lines: [{ at: SINCE, level: "WARN", words: HOSTILE }] },
  };
  const { host, user, unmount } = open("audit", answers);
  await screen.findAllByText(HOSTILE);
  expectNothingInjected();
  await expectAccessible();
  await user.click(screen.getByRole("button", { name: "Older" }));
  expect(host.asked.at(-1)?.query).toEqual({ before: "older" });
  unmount();
  open("log", answers);
  await screen.findByText(HOSTILE);
  expectNothingInjected();
  await expectAccessible();
});

test("the_configuration_is_shown_and_a_backup_downloaded", async () => {
  const { host, user } = open("configuration", { "GET /admin/config": { file: "server.toml", toml: "[pbx.main]" } });
  expect((await screen.findByRole("region", { name: "Configuration as TOML" })).textContent).toBe("[pbx.main]");
  await user.click(screen.getByRole("button", { name: "Download a backup" }));
  expect(host.asked.at(-1)?.route).toMatch(/^DOWNLOAD \/admin\/backup as sidetone-backup-\d{4}-\d\d-\d\d$/);
  await expectAccessible();
});

test("the_address_bar_says_which_page_is_shown", async () => {
  open("health", { "GET /admin/health": health(), "GET /admin/devices": [] });
  await screen.findByRole("heading", { name: "Health" });
  location.hash = "#devices";
  await screen.findByText("No device is signed in.");
  expect(screen.getByRole("link", { name: "Devices" }).getAttribute("aria-current")).toBe("page");
});

function open(
  part: string,
  answers: Record<string, unknown>,
  rights: Partial<ReturnType<typeof me>["rights"]> = {},
  answer?: (request: Request) => Answer,
) {
  history.replaceState(null, "", `/#${part}`);
  const value = me({ role: "admin", rights: { ...me().rights, administer: true, ...rights } });
  const line = new FakeLine(firm({ fact: "me", value }), answer);
  const host = new FakeHost(answers, line);
  host.signIn({ token: "t", me: value });
  const { unmount } = render(AdminApp, { context: withHost(host) });
  return { host, line, user: userEvent.setup(), unmount };
}

function health(over: Partial<Health> = {}): Health {
  return {
    version: "0.1.0",
    uptime_s: 60,
    pbxs: [
      {
        name: "main",
        line: { line: "up", version: "Asterisk 22", lag_ms: 4, since: SINCE },
        events_per_s: 48,
        calls: 1,
        extensions: 12,
        records: null,
        findings: ["The AMI user lacks “originate”."],
      },
    ],
    clients: 1,
    clients_resynced: 0,
    clients_dropped: 0,
    messages_sent: 9,
    store: "sqlite",
    store_trouble: null,
    log_waiting: 0,
    webhooks_waiting: 0,
    sources: [],
    resident_bytes: null,
    ...over,
  };
}

function person(over: Partial<User> = {}): User {
  return {
    id: "u2",
    login: "boris",
    name: "Boris Orlov",
    role: "agent",
    pbx: "main",
    extension: "102",
    channel: null,
    groups: ["Sales", "Key accounts"],
    source: "admin",
    disabled: false,
    policy: {
      allow: [],
      deny: ["+1900"],
      countries: [],
      hours: "",
      per_minute: 10,
      parallel: 3,
      see_calls: null,
      see_numbers: null,
      see_groups: [],
      create_people: true,
    },
    ...over,
  };
}
