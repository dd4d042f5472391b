import { render, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { connected, connector, field, findings, kinds } from "../testing/crm";
import { expectAccessible, expectNothingInjected } from "../testing/open";
import { HOSTILE } from "../testing/samples";
import type { Connector } from "../wire/Connector";
import ConnectorList from "./ConnectorList.svelte";
import { freeId, type ConnectorHost } from "./host";

const press = (name: string | RegExp) => screen.getByRole("button", { name });

test("each_source_says_how_it_does_and_who_has_set_it", async () => {
  open({ connected });
  const rows = within(screen.getByRole("list", { name: "Connected" })).getAllByRole("listitem");
  const texts = rows.map((row) => row.textContent?.replace(/\s+/g, " ") ?? "");
  expect(texts[0]).toMatch(/Tryton tryton works: 84 ms at/);
  expect(texts[1]).toContain("Odoo refuses the key");
  expect(texts[2]).toContain("switched off");
  expect(texts[3]).toContain("Set by server.toml.");
  expect(within(rows[3]!).queryByRole("button")).toBeNull();
  expect(within(rows[3]!).getByRole("switch")).toHaveProperty("disabled", true);
  await expectAccessible();
});

test("a_kind_is_found_filled_in_and_connected_by_keyboard_alone", async () => {
  const { user, done } = open({});
  await user.tab();
  await user.keyboard("{Enter}");
  await waitFor(() => expect(document.activeElement).toBe(screen.getByRole("searchbox")));
  await expectAccessible();
  await user.keyboard("hub{Enter}");
  expect(document.activeElement).toBe(screen.getByLabelText(/^Address/));
  expect(screen.getByLabelText("Short name")).toHaveProperty("value", "hubspot");
  await user.keyboard(" https://api.example.com ");
  await user.tab();
  await user.tab();
  await user.keyboard(" key {Enter}");
  await expectAccessible();
  expect(done).toEqual([
    [
      "save",
      {
        id: "hubspot",
        file: "hubspot",
        enabled: true,
        values: { base_url: "https://api.example.com", database: "" },
      },
      { api_key: " key " },
    ],
  ]);
});

test("the_keyboard_goes_back_to_where_it_came_from", async () => {
  const { user } = open({ connected });
  press("Change Odoo 19").focus();
  await user.keyboard("{Enter}");
  expect(document.activeElement).toBe(screen.getByLabelText(/^Address/));
  await user.keyboard("{Escape}");
  await waitFor(() => expect(document.activeElement).toBe(press("Change Odoo 19")));
  press("Connect another").focus();
  await user.keyboard("{Enter}");
  await waitFor(() => expect(document.activeElement).toBe(screen.getByRole("searchbox")));
  await user.keyboard("{Escape}");
  await waitFor(() => expect(document.activeElement).toBe(press("Connect another")));
});

test("what_is_missing_is_said_before_anything_is_sent", async () => {
  const { user, done } = open({});
  await user.click(press("Connect a CRM or directory"));
  await user.click(press("Odoo 19"));
  await user.click(press("Connect Odoo 19"));
  expect(screen.getByRole("alert").textContent).toContain("Address is needed.");
  await user.clear(screen.getByLabelText("Short name"));
  await user.click(press("Test Odoo 19"));
  expect(screen.getByRole("alert").textContent).toContain("The short name is made of");
  expect(done).toEqual([]);
});

test("a_stored_secret_is_kept_when_the_field_is_left_empty_and_a_typed_one_leaves_the_page", async () => {
  const { user, done } = open({ connected: [connector()] });
  await user.click(press("Change Tryton"));
  const key = screen.getByLabelText(/^API key/) as HTMLInputElement;
  expect([key.type, key.value]).toEqual(["password", ""]);
  expect(screen.getByText("Stored; leave empty to keep it.")).toBeTruthy();
  await user.click(press("Save Tryton"));
  expect(done.at(-1)?.[2]).toEqual({});
  await user.click(press("Change Tryton"));
  await user.type(screen.getByLabelText(/^API key/), "hunter2");
  await user.click(press("Save Tryton"));
  expect(done.at(-1)?.[2]).toEqual({ api_key: "hunter2" });
  expect(JSON.stringify(done.at(-1)?.[1])).not.toContain("hunter2");
  expect(screen.queryByLabelText(/^API key/)).toBeNull();
  await user.click(press("Change Tryton"));
  expect(screen.getByLabelText(/^API key/)).toHaveProperty("value", "");
});

test("a_test_tries_what_was_typed_and_each_finding_is_a_sentence", async () => {
  const { user, done } = open({ connected: [connector()] });
  await user.click(press("Change Tryton"));
  await user.clear(screen.getByLabelText("Database"));
  await user.type(screen.getByLabelText("Database"), "other");
  await user.click(press("Test Tryton"));
  const list = within(await screen.findByRole("list", { name: "Test" })).getAllByRole("listitem");
  expect(list.map((one) => one.textContent?.replace(/\s+/g, " ").trim().slice(0, 24))).toEqual([
    "Works: crm.example.com a",
    "Works: The key is accept",
    "Does not work: Lookup Tr",
  ]);
  expect(done.at(-1)).toMatchObject(["test", { id: "tryton", values: { database: "other" } }, {}]);
  await expectAccessible();
  await user.type(screen.getByLabelText("Database"), "2");
  // It was found for something else.
  expect(screen.queryByRole("list", { name: "Test" })).toBeNull();
});

test("a_refusal_stands_beside_the_form_and_what_was_typed_stays", async () => {
  const { user } = open({ connected: [connector()], refuses: "The address must begin with https." });
  await user.click(press("Change Tryton"));
  await user.type(screen.getByLabelText("Database"), "x");
  await user.type(screen.getByLabelText(/^API key/), "hunter2");
  await user.click(press("Save Tryton"));
  expect((await screen.findByRole("alert")).textContent).toContain("The address must begin with https.");
  expect(screen.getByLabelText("Database")).toHaveProperty("value", "firmx");
  expect(screen.getByLabelText(/^API key/)).toHaveProperty("value", "hunter2");
});

test("a_source_is_switched_moved_and_removed_by_the_second_click", async () => {
  const { user, done } = open({ connected });
  await user.click(screen.getByRole("switch", { name: "Ask Odoo 19" }));
  expect(done.at(-1)).toMatchObject(["save", { id: "odoo", enabled: false, values: { database: "firm" } }, {}]);
  await user.click(press("Ask Odoo 19 earlier"));
  expect(done.at(-1)).toEqual(["move", "odoo", 0]);
  await user.click(press("Ask Odoo 19 later"));
  expect(done.at(-1)).toEqual(["move", "odoo", 2]);
  expect(press("Ask Tryton earlier")).toHaveProperty("disabled", true);
  await user.click(press("Remove Odoo 19"));
  expect(done.at(-1)?.[0]).toBe("move");
  await user.click(press("Remove for good Odoo 19"));
  expect(done.at(-1)).toEqual(["remove", "odoo"]);
});

test("where_a_policy_has_set_all_nothing_can_be_changed", () => {
  open({ connected: [connector()], lockedBy: "your company (policy.toml)" });
  expect(screen.getByText(/Set by your company/)).toBeTruthy();
  expect(screen.queryByRole("button")).toBeNull();
  expect(screen.getByRole("switch")).toHaveProperty("disabled", true);
});

test("a_description_of_ones_own_that_is_not_understood_says_file_line_and_column", async () => {
  const trouble = ["/home/me/crm.toml:7:3: there is no field “lokup”; is it “lookup”?"];
  const readFile = async (file: string) => ({ file, title: "crm.toml", fields: [], trouble });
  const { user } = open({ readFile });
  await user.click(press("Connect a CRM or directory"));
  await user.type(screen.getByLabelText("Or a description of your own"), "/home/me/crm.toml{Enter}");
  expect((await screen.findByText(/is it “lookup”/)).textContent).toBe(trouble[0]);
  expect(screen.queryByRole("button", { name: /^Connect/ })).toBeNull();
  await expectAccessible();
});

test("what_is_signed_in_to_by_the_browser_is_saved_first", async () => {
  const oauth = field("account", "Account", { kind: "oauth" });
  const signedIn: string[] = [];
  const signIn = async (id: string) => void signedIn.push(id);
  const hub = { file: "hub", title: "Hub", fields: [oauth] };
  const { user, done } = open({
    kinds: [{ ...hub, trouble: [] }],
    connected: [connector({ id: "hub", ...hub })],
    signIn,
  });
  await user.click(press("Connect another"));
  await user.click(within(screen.getByRole("list", { name: "What can be connected" })).getByRole("button"));
  expect(press("Sign in").title).toBe("Save it first.");
  await user.click(press("Sign in"));
  expect(signedIn).toEqual([]);
  await user.click(press("Connect Hub"));
  expect(done.at(-1)).toEqual(["save", { id: "hub-2", file: "hub", enabled: true, values: {} }, {}]);
  await user.click(press("Change Hub"));
  await user.click(press("Sign in"));
  expect(signedIn).toEqual(["hub"]);
  await expectAccessible();
});

test("a_free_name_is_made_of_the_files_name", () => {
  expect(freeId("odoo", [])).toBe("odoo");
  expect(freeId("odoo", [connector({ id: "odoo" }), connector({ id: "odoo-2" })])).toBe("odoo-3");
  expect(freeId("/home/me/Our CRM (new).toml", [])).toBe("Our-CRM-new-");
  expect(freeId("C:\\crm\\x.TOML", [])).toBe("x");
  expect(freeId("", [])).toBe("source");
});

test("hostile_texts_stay_texts", async () => {
  const fields = [field(HOSTILE, HOSTILE, { help: { en: HOSTILE }, value: HOSTILE })];
  const bad = connector({ title: HOSTILE, fields, state: { state: "trouble", words: HOSTILE.repeat(5000) } });
  const kind = { file: HOSTILE, title: HOSTILE, fields, trouble: [HOSTILE] };
  const { user } = open({ connected: [bad, connector({ id: "x", set_by: HOSTILE })], kinds: [kind], refuses: HOSTILE });
  await user.click(press(`Change ${HOSTILE}`));
  await user.click(press(`Save ${HOSTILE}`));
  await user.click(press("Connect another"));
  await user.click(within(screen.getByRole("list", { name: "What can be connected" })).getByRole("button"));
  expect(screen.getAllByText(HOSTILE, { exact: false }).length).toBeGreaterThan(4);
  expectNothingInjected();
});

interface Given extends Partial<Pick<ConnectorHost, "kinds" | "readFile" | "signIn">> {
  connected?: Connector[];
  lockedBy?: string;
  refuses?: string;
}

function open({ connected: all = [], lockedBy, refuses, ...more }: Given) {
  const done: unknown[][] = [];
  const act = async (...what: unknown[]) => {
    done.push(what);
    if (refuses) throw new Error(refuses);
  };
  const host = {
    kinds,
    connected: all,
    save: (one: unknown, secrets: unknown) => act("save", one, secrets),
    remove: (id: string) => act("remove", id),
    move: (one: Connector, to: number) => act("move", one.id, to),
    test: async (one: unknown, secrets: unknown) => {
      await act("test", one, secrets);
      return findings;
    },
    ...more,
  };
  render(ConnectorList, { props: { host, lockedBy } });
  return { host, done, user: userEvent.setup() };
}
