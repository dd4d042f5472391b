import { screen, waitFor, within } from "@testing-library/svelte";
import { expect, test } from "vitest";
import { connected, findings, kinds } from "../testing/crm";
import { HOSTILE, settings, state } from "../testing/samples";
import { expectAccessible, expectNothingInjected, open } from "../testing/open";
import type { TestReport } from "../types/TestReport";
import SettingsWindow from "./SettingsWindow.svelte";

const press = (name: string) => screen.getByRole("button", { name });

test("every_field_has_its_label_and_help", async () => {
  open(SettingsWindow, state());
  for (const label of [
    "Address",
    "Port",
    "Encryption",
    "AMI user",
    "AMI secret",
    "Extension",
    "Channel",
    "Context",
    "Country",
    "Outside line",
    "Shortest internal number",
    "Longest internal number",
    "Sent as",
    "Dialled for abroad",
    "File",
    "Keep windows ready",
    "Old caller names",
    "Ask before a link from another program dials",
  ]) {
    expect(screen.getByLabelText(label), label).toBeTruthy();
  }
  await expectAccessible();
});

test("save_sends_the_whole_form_and_no_secret_when_none_was_typed", async () => {
  const { user, backend } = open(SettingsWindow, state());
  const user_ = screen.getByLabelText("AMI user");
  await user.clear(user_);
  await user.type(user_, "anna");
  expect(screen.getByText("Not saved yet")).toBeTruthy();
  await user.click(press("Save"));
  await screen.findByText("Saved.");
  expect(backend.asked("save_settings")).toEqual([
    { request: "save_settings", settings: { ...settings().settings, user: "anna" }, secret: null },
  ]);
});

test("a_secret_goes_one_way_and_leaves_the_page", async () => {
  const { user, backend } = open(SettingsWindow, state());
  const secret = screen.getByLabelText("AMI secret") as HTMLInputElement;
  expect(secret.type).toBe("password");
  expect(secret.value).toBe("");
  await user.type(secret, "hunter2");
  await user.click(press("Save"));
  await screen.findByText("Saved.");
  expect(backend.asked("save_settings")[0]!.secret).toBe("hunter2");
  expect(secret.value).toBe("");
});

test("where_the_secret_is_kept_is_said_in_words", () => {
  const words = "No keychain here; it is asked for at each start.";
  open(SettingsWindow, state({ settings: settings({ secret: { secret: "this_run_only", words } }) }));
  expect(screen.getByText(words)).toBeTruthy();
});

test("what_a_policy_has_set_is_locked_and_says_by_whom", () => {
  open(SettingsWindow, state({ settings: settings({ managed: [{ field: "pbx_host", by: "policy.toml" }] }) }));
  expect(screen.getByLabelText("Address")).toHaveProperty("disabled", true);
  expect(screen.getByLabelText("AMI user")).toHaveProperty("disabled", false);
  expect(screen.getByText(/Set by policy\.toml/)).toBeTruthy();
});

test("the_test_gives_three_ticks_each_with_a_sentence", async () => {
  const { user, backend, change } = open(SettingsWindow, state());
  await user.click(press("Test"));
  await waitFor(() => expect(backend.asked("test_settings")).toHaveLength(1));
  const report: TestReport = {
    connection: { state: "passed", words: "Connected to office PBX." },
    phone: { state: "failed", words: "Your phone 101 is not registered." },
    links: { state: "failed", words: "Links go to another program." },
  };
  change({ part: "test", value: report });
  const ticks = within(screen.getByRole("list", { name: "Test" })).getAllByRole("listitem");
  expect(ticks.map((tick) => tick.textContent?.replace(/\s+/g, " ").trim())).toEqual([
    "Phone system works Connected to office PBX.",
    "Your phone does not work Your phone 101 is not registered.",
    expect.stringContaining("Link handler does not work Links go to another program."),
  ]);
  await user.click(press("Open tel: links with Sidetone"));
  expect(backend.asked("take_links")).toHaveLength(1);
  await expectAccessible();
});

test("a_refusal_is_said_and_what_was_typed_stays", async () => {
  const { user, change } = open(SettingsWindow, state(), () => ({
    reply: "refused",
    value: { code: "settings", words: "The port must be between 1 and 65535." },
  }));
  await user.type(screen.getByLabelText("Extension"), "7");
  await user.click(press("Save"));
  expect((await screen.findByRole("alert")).textContent).toContain("The port must be between 1 and 65535.");
  change({ part: "settings", value: settings({ contacts: "4 people" }) });
  expect(screen.getByLabelText("Extension")).toHaveProperty("value", "1017");
  expect(screen.getByText("4 people")).toBeTruthy();
});

test("a_pinned_certificate_asks_for_its_fingerprint", async () => {
  const { user, backend } = open(SettingsWindow, state());
  await user.selectOptions(screen.getByLabelText("Encryption"), "pin");
  await user.type(screen.getByLabelText("Fingerprint"), "ab");
  await user.click(press("Save"));
  expect(backend.asked("save_settings")[0]!.settings.tls).toEqual({ kind: "pin", sha256: "ab" });
});

test("a_trusted_program_can_be_asked_about_again", async () => {
  const { user, backend } = open(SettingsWindow, state());
  await user.click(press("Ask again for Chromium"));
  await user.click(press("Save"));
  expect(backend.asked("save_settings")[0]!.settings.trusted_programs).toEqual([]);
});

test("hostile_texts_stay_texts", () => {
  const { settings: form } = settings();
  open(
    SettingsWindow,
    state({
      settings: settings({
        settings: { ...form, pbx_host: HOSTILE, trusted_programs: [HOSTILE] },
        secret: { secret: "locked", words: HOSTILE },
        managed: [{ field: "user", by: HOSTILE }],
        contacts: HOSTILE,
        countries: [{ code: "<b>", calling_code: HOSTILE }],
      }),
    }),
  );
  expect(screen.getAllByText(HOSTILE).length).toBeGreaterThan(1);
  expectNothingInjected();
});

const inServerMode = () =>
  state({ server: { host: "pbx.example", server: "Sidetone server 1", person: "Anna", extension: "101" } });

test("in_server_mode_it_shows_where_and_as_whom_and_nothing_of_the_phone_system", async () => {
  const { user, backend } = open(SettingsWindow, inServerMode());
  expect(screen.getByText("pbx.example")).toBeTruthy();
  expect(screen.getByText("Enrolled as Anna, extension 101 · Sidetone server 1")).toBeTruthy();
  expect(screen.queryByLabelText("AMI secret")).toBeNull();
  expect(screen.queryByLabelText("Link or code")).toBeNull();
  expect(screen.getByLabelText("Keep windows ready")).toBeTruthy();
  await expectAccessible();
  await user.click(press("Sign out"));
  expect(backend.asked("sign_out")).toEqual([{ request: "sign_out" }]);
});

test("a_code_connects_and_a_refusal_is_said", async () => {
  const words = "This code was used already.";
  const { user, backend } = open(SettingsWindow, state(), () => ({
    reply: "refused",
    value: { code: "enrolment", words },
  }));
  await user.type(screen.getByLabelText("Link or code"), " sidetone://enrol/pbx.example/abcd ");
  await user.click(press("Connect"));
  expect(backend.asked("enrol")).toEqual([
    {
      request: "enrol",
      text: "sidetone://enrol/pbx.example/abcd",
      server: null,
      source: { kind: "typed" },
    },
  ]);
  expect((await screen.findByRole("alert")).textContent).toContain(words);
  // A code is no setting: nothing waits to be saved.
  expect(screen.queryByText("Not saved yet")).toBeNull();
});

test("contact_sources_are_saved_by_themselves_and_are_no_edit_of_the_form_around", async () => {
  const { user, backend, change } = open(
    SettingsWindow,
    state({ settings: settings({ connectors: { kinds, connected: [] } }) }),
  );
  await user.click(await screen.findByRole("button", { name: "Connect a CRM or directory" }));
  await user.click(press("Tryton"));
  const form = within(screen.getByRole("group", { name: "Settings of Tryton" }));
  await user.type(form.getByLabelText(/^Address/), "https://crm.example.com");
  await user.type(form.getByLabelText(/^API key/), "hunter2{Enter}");
  expect(screen.queryByText("Not saved yet")).toBeNull();
  expect(backend.asked("save_settings")).toEqual([]);
  expect(backend.asked("save_connector")).toEqual([
    {
      request: "save_connector",
      connector: {
        id: "tryton",
        file: "tryton",
        enabled: true,
        values: { base_url: "https://crm.example.com", database: "" },
      },
      secrets: { api_key: "hunter2" },
    },
  ]);
  change({ part: "settings", value: settings({ connectors: { kinds, connected } }) });
  expect(screen.getByRole("switch", { name: "Ask Tryton" })).toBeTruthy();
  await expectAccessible();
});

test("the_agent_tests_moves_reads_signs_in_to_and_forgets_a_source", async () => {
  const refusal = { reply: "refused", value: { code: "connector", words: "There is no such file." } } as const;
  const { user, backend } = open(
    SettingsWindow,
    state({ settings: settings({ connectors: { kinds, connected } }) }),
    (request) =>
      request.request === "test_connector"
        ? { reply: "findings", value: { findings } }
        : request.request === "read_connector_file"
          ? refusal
          : { reply: "done" },
  );
  await user.click(await screen.findByRole("button", { name: "Change Tryton" }));
  await user.click(press("Test Tryton"));
  await screen.findByText("The key is accepted as Anna Petrova.");
  await user.click(press("Ask Tryton later"));
  await user.click(press("Remove Odoo 19"));
  await user.click(press("Remove for good Odoo 19"));
  await user.click(press("Connect another"));
  await user.type(screen.getByLabelText("Or a description of your own"), "/x.toml{Enter}");
  await screen.findByText("There is no such file.");
  expect(backend.asked("test_connector")[0]).toMatchObject({ connector: { id: "tryton" }, secrets: {} });
  expect(backend.asked("move_connector")).toEqual([{ request: "move_connector", connector: "tryton", to: 1 }]);
  expect(backend.asked("remove_connector")).toEqual([{ request: "remove_connector", connector: "odoo" }]);
  expect(backend.asked("read_connector_file")).toEqual([{ request: "read_connector_file", file: "/x.toml" }]);
});
