// The browser as host, with a real server to ask.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { me } from "../testing/firm";
import { loopback, RealWebSocket, type HttpAnswer, type Loopback } from "../testing/loopback.js";
import { Failed } from "../web/host";
import { WebHost } from "./web";

beforeEach(() => void vi.stubGlobal("WebSocket", RealWebSocket));

let server: Loopback | undefined;
afterEach(() => {
  server?.close();
  localStorage.clear();
  history.replaceState(null, "", "/");
});

test("a_token_outlives_the_page_under_a_key_with_the_origin_and_goes_only_into_the_header", async () => {
  const host = await hosted(() => ({ text: "[]" }));
  host.signIn({ token: "secret", me: me() });
  await host.rest.get("/calls", { text: "a b&c", from: null, until: undefined, queue: "" });
  expect(asked()).toEqual([
    { method: "GET", url: "/api/v1/calls?text=a+b%26c", authorization: "Bearer secret", body: "" },
  ]);
  expect(Object.entries({ ...localStorage })).toEqual([[`sidetone token of ${server!.base.slice(0, -1)}`, "secret"]]);
  expect(new WebHost(server!.base).signedIn).toBe(true);
  host.signOut();
  expect(new WebHost(server!.base).signedIn).toBe(false);
});

test("a_failure_comes_with_the_servers_own_sentence", async () => {
  const host = await hosted(() => ({
    status: 409,
    text: JSON.stringify({ code: "refused", message: "The login is taken." }),
  }));
  await expect(host.rest.post("/admin/users", {})).rejects.toMatchObject({
    message: "The login is taken.",
    failure: { code: "refused" },
  });
});

test("a_token_that_is_not_known_any_more_signs_out_with_the_reason", async () => {
  const host = await hosted(() => ({
    status: 401,
    text: JSON.stringify({ code: "unauthenticated", message: "Revoked." }),
  }));
  host.signIn({ token: "secret", me: me() });
  await expect(host.rest.get("/me")).rejects.toBeInstanceOf(Failed);
  expect([host.signedIn, host.signedOutWords]).toEqual([false, "Revoked."]);
});

test.each<[string, HttpAnswer]>([
  ["with_success", { type: "text/html", text: "<html>Log in to the hotel's network</html>" }],
  ["with_failure", { status: 403, type: "text/html", text: "<html>Forbidden</html>" }],
])("a_web_page_instead_of_an_answer_%s_is_named_as_such", async (_, answer) => {
  const host = await hosted(() => answer);
  await expect(host.rest.get("/me")).rejects.toMatchObject({
    message: expect.stringContaining("A web page came instead"),
  });
});

test("a_web_page_instead_of_a_file_is_not_saved", async () => {
  const host = await hosted(() => ({ type: "text/html", text: "<html>" }));
  await expect(host.rest.download("/calls.csv", "calls.csv")).rejects.toBeInstanceOf(Failed);
});

test("a_server_that_does_not_answer_is_a_sentence", async () => {
  const host = await hosted(() => ({}));
  server!.close();
  await expect(host.rest.get("/me")).rejects.toMatchObject({ message: expect.stringContaining("does not answer") });
});

test("who_is_asked_something_slow_is_given_the_time_for_it", async () => {
  const patience = vi.spyOn(AbortSignal, "timeout");
  const host = await hosted(() => ({ text: "{}" }));
  await host.rest.post("/admin/connectors/odoo/test", {}, 60_000);
  await host.rest.post("/admin/users", {});
  expect(patience.mock.calls.map(([ms]) => ms)).toEqual([60_000, 15_000]);
});

test("a_gateway_without_its_server_is_a_server_that_does_not_answer", async () => {
  const host = await hosted(() => ({ status: 502, type: "text/html", text: "<html>Bad Gateway</html>" }));
  await expect(host.rest.get("/me")).rejects.toMatchObject({ message: expect.stringContaining("does not answer") });
});

test("an_empty_answer_is_an_answer", async () => {
  const host = await hosted(() => ({ text: "" }));
  await expect(host.rest.delete("/devices/1")).resolves.toBeUndefined();
});

test("a_code_is_taken_out_of_the_address_bar", async () => {
  const host = await hosted();
  history.replaceState(null, "", "/#enrol=A%2BB");
  expect(host.takeFragment("signin")).toBeUndefined();
  expect(host.takeFragment("enrol")).toBe("A+B");
  expect(location.hash).toBe("");
});

test("a_line_that_is_refused_signs_the_page_out", async () => {
  const host = await hosted();
  host.signIn({ token: "old", me: me() });
  host.line({ extensions: "all", queues: "all", parked: true, missed: true });
  const arrival = await server!.arrival();
  expect(await arrival.next()).toMatchObject({ token: "old" });
  arrival.say({ type: "goodbye", code: "unauthenticated", message: "Revoked." });
  await until(() => expect(host.signedIn).toBe(false));
  expect(host.signedOutWords).toBe("Revoked.");
});

async function hosted(handle?: (method: string, url: string) => HttpAnswer): Promise<WebHost> {
  server = await loopback(handle);
  return new WebHost(server.base);
}

/** Without the questions that a browser asks before it asks. */
function asked() {
  return server!.rest.filter(({ method }) => method !== "OPTIONS");
}

/** Waits for what must come; generous, for the machine is shared. */
function until(holds: () => void): Promise<void> {
  return vi.waitFor(holds, { timeout: 20_000 });
}
