import { render, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import { FakeHost, refusal } from "../testing/fake-host.svelte";
import { FakeLine } from "../testing/fake-line";
import { firm, me, SINCE } from "../testing/firm";
import { expectAccessible, expectNothingInjected } from "../testing/open";
import { HOSTILE } from "../testing/samples";
import type { Device } from "../wire/Device";
import type { LogEntry } from "../wire/LogEntry";
import { withHost } from "./host";
import WebApp from "./WebApp.svelte";

beforeEach(() => localStorage.clear());

const enrolled = { token: "t", me: me() };

test("a_code_signs_in_and_the_panel_follows", async () => {
  const { host, user } = open(
    new FakeHost({ "GET /signin": { oidc: null, password: false }, "POST /enrol": enrolled }),
  );
  await user.type(await screen.findByLabelText("Code from your administrator"), " AB-CD {Enter}");
  await screen.findByRole("tab", { name: "Panel" });
  expect(host.asked.find(({ route }) => route === "POST /enrol")?.body).toEqual({
    code: "AB-CD",
    device: "Firefox on Linux",
    client: host.client,
  });
  await expectAccessible();
});

test("a_link_fills_the_code_in_and_waits_for_a_click", async () => {
  const host = new FakeHost();
  host.fragments["enrol"] = "AB-CD";
  open(host);
  expect(await screen.findByLabelText("Code from your administrator")).toHaveProperty("value", "AB-CD");
  expect(host.asked.map(({ route }) => route)).toEqual(["GET /signin"]);
});

test("a_code_that_is_unknown_is_a_sentence", async () => {
  const { user } = open(new FakeHost({ "POST /enrol": refusal("This code was used already.") }));
  await user.type(await screen.findByLabelText("Code from your administrator"), "X{Enter}");
  expect((await screen.findByRole("alert")).textContent).toContain("This code was used already.");
  await expectAccessible();
});

test("the_firms_own_sign_in_is_a_button_that_leads_there_and_back", async () => {
  const ways = { "GET /signin": { oidc: "Example ID", password: true }, "POST /signin/exchange": enrolled };
  const { host, user, unmount } = open(new FakeHost(ways));
  await user.click(await screen.findByRole("button", { name: "Sign in with Example ID" }));
  expect(host.went).toEqual(["api/v1/signin/oidc"]);
  await expectAccessible();
  unmount();
  const back = new FakeHost(ways);
  back.fragments["signin"] = "once";
  open(back);
  await screen.findByRole("tab", { name: "Panel" });
  expect(back.asked.map(({ route }) => route)).toContain("POST /signin/exchange");
});

test("a_directory_password_signs_in_and_is_not_kept", async () => {
  const { host, user } = open(
    new FakeHost({ "GET /signin": { oidc: null, password: true }, "POST /signin/password": refusal("Wrong.") }),
  );
  await user.type(await screen.findByLabelText("Login"), "anna");
  await user.type(screen.getByLabelText("Password"), "pass word{Enter}");
  await screen.findByText("Wrong.");
  expect(host.asked.at(-1)?.body).toMatchObject({ login: "anna", password: "pass word" });
  expect(screen.getByLabelText("Password")).toHaveProperty("value", "");
});

test("signing_out_revokes_the_device_and_shows_the_way_in", async () => {
  const { host, user } = signedIn({ "GET /devices": [device(), device({ id: "d2", this: true })] });
  await user.click(await screen.findByRole("button", { name: "Sign out" }));
  await screen.findByLabelText("Code from your administrator");
  expect(host.asked.map(({ route }) => route)).toContain("DELETE /devices/d2");
});

test("tabs_are_walked_by_arrow_keys", async () => {
  const { user } = signedIn({ "GET /calls": { calls: [], next: null }, "GET /devices": [device()] });
  (await screen.findByRole("tab", { name: "Panel" })).focus();
  await user.keyboard("{ArrowRight}");
  await screen.findByText("No call is found.");
  await expectAccessible();
  await user.keyboard("{ArrowRight}");
  await screen.findByText("Reception");
  await expectAccessible();
});

test("the_call_log_is_searched_paged_and_taken_away", async () => {
  const rights = { ...me().rights, see_log: true, export_log: true };
  const page = { calls: [entry()], next: "cursor" };
  const { host, user } = signedIn({ "GET /calls": page }, rights);
  await user.click(await screen.findByRole("tab", { name: "Call log" }));
  const row = (await screen.findAllByRole("row"))[1]!;
  expect(row.textContent).toMatch(/incoming.*Ada.*101 → 102.*1:05.*missed.*Nobody answered/s);
  await user.type(screen.getByLabelText("Number or name"), "ada");
  await user.type(screen.getByLabelText("Extension"), "102");
  await user.selectOptions(screen.getByLabelText("Outcome"), "missed");
  await user.click(screen.getByRole("button", { name: "Search" }));
  await waitFor(() =>
    expect(host.asked.at(-1)?.query).toMatchObject({ text: "ada", extension: "102", outcome: "missed" }),
  );
  await user.click(await screen.findByRole("button", { name: "Older calls" }));
  await waitFor(() => expect(host.asked.at(-1)?.query).toMatchObject({ before: "cursor", text: "ada" }));
  await user.click(screen.getByRole("button", { name: "Download CSV" }));
  expect(host.asked.at(-1)?.route).toBe("DOWNLOAD /calls.csv as calls.csv");
  await expectAccessible();
});

test("the_log_names_the_person_at_the_other_end_and_leads_to_the_record", async () => {
  const person = {
    name: "Ada King",
    company: "Engines Ltd",
    record: { source: "tryton", kind: "party", id: "7" },
    url: "https://crm.example.com/#7",
  };
  const calls = [
    entry({ person }),
    entry({ id: "l2", direction: "outgoing", person: { ...person, url: "javascript:alert(1)" } }),
  ];
  const { user } = signedIn({ "GET /calls": { calls, next: null } });
  await user.click(await screen.findByRole("tab", { name: "Call log" }));
  const [, incoming, outgoing] = await screen.findAllByRole("row");
  const cells = (row: HTMLElement) =>
    within(row)
      .getAllByRole("cell")
      .map((cell) => cell.textContent ?? "");
  expect(cells(incoming!)[1]).toMatch(/Ada King.*Engines Ltd.*\+44 20 7946 0958/s);
  expect(cells(incoming!)[2]).toContain("101");
  expect(cells(outgoing!)[1]).toContain("Ada Lovelace");
  expect(cells(outgoing!)[2]).toContain("Ada King");
  expect(screen.getAllByRole("link", { name: "Ada King" })).toHaveLength(1);
  await expectAccessible();
});

test("who_may_not_see_or_take_away_the_log_of_others_is_not_offered_it", async () => {
  const { user } = signedIn({ "GET /calls": { calls: [], next: null } });
  await user.click(await screen.findByRole("tab", { name: "Call log" }));
  await screen.findByLabelText("Number or name");
  expect(screen.queryByLabelText("Extension")).toBeNull();
  expect(screen.queryByRole("button", { name: "Download CSV" })).toBeNull();
});

test("a_device_is_revoked_by_the_second_click", async () => {
  const { host, user } = signedIn({ "GET /devices": [device()] });
  await user.click(await screen.findByRole("tab", { name: "My devices" }));
  await user.click(await screen.findByRole("button", { name: "Revoke Reception" }));
  expect(host.asked.map(({ route }) => route)).not.toContain("DELETE /devices/d1");
  await user.click(screen.getByRole("button", { name: "Revoke for good Reception" }));
  expect(host.asked.map(({ route }) => route)).toContain("DELETE /devices/d1");
});

test("hostile_texts_of_log_and_devices_stay_texts", async () => {
  const party = { number: HOSTILE, name: HOSTILE };
  const { user } = signedIn({
    "GET /calls": { calls: [entry({ caller: party, callee: party, queue: HOSTILE, words: HOSTILE })], next: null },
    "GET /devices": [device({ name: HOSTILE, platform: HOSTILE })],
  });
  await user.click(await screen.findByRole("tab", { name: "Call log" }));
  await screen.findAllByText(HOSTILE, { exact: false });
  expectNothingInjected();
  await user.click(screen.getByRole("tab", { name: "My devices" }));
  await within(await screen.findByRole("list", { name: "Devices" })).findAllByText(HOSTILE, { exact: false });
  expectNothingInjected();
});

function open(host: FakeHost) {
  const { unmount } = render(WebApp, { context: withHost(host) });
  return { host, user: userEvent.setup(), unmount };
}

function signedIn(answers: Record<string, unknown>, rights = me().rights) {
  const line = new FakeLine(firm({ fact: "me", value: me({ rights }) }));
  const host = new FakeHost(answers, line);
  host.signIn(enrolled);
  return open(host);
}

function device(over: Partial<Device> = {}): Device {
  return {
    id: "d1",
    user: "u1",
    user_name: "Anna",
    name: "Reception",
    platform: "web",
    created: SINCE,
    last_seen: null,
    online: false,
    this: false,
    ...over,
  };
}

function entry(over: Partial<LogEntry> = {}): LogEntry {
  return {
    id: "l1",
    pbx: "main",
    direction: "incoming",
    caller: { number: "+44 20 7946 0958", name: "Ada Lovelace" },
    callee: { number: "101", name: null },
    dialled: null,
    line: null,
    queue: "Sales",
    started: SINCE,
    answered: null,
    ended: null,
    ring_ms: 65_000,
    wait_ms: null,
    talk_ms: null,
    outcome: "missed",
    words: "Nobody answered.",
    answered_by: null,
    way: ["101", "102"],
    legs: [],
    source: "live",
    person: null,
    ...over,
  };
}
