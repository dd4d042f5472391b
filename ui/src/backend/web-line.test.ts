// The line against a real server: what is waited for are its messages, never a time.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { EVERYTHING } from "../presence/line.svelte";
import { extension, firm, me } from "../testing/firm";
import { loopback, RealWebSocket, type Arrival, type Loopback } from "../testing/loopback.js";
import type { ErrorCode } from "../wire/ErrorCode";
import type { Fact } from "../wire/Fact";
import { backoff } from "./backoff";
import { TIMES, WebLine, type LineOptions } from "./web-line";

beforeEach(() => void vi.stubGlobal("WebSocket", RealWebSocket));

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

test("the_token_is_in_the_first_message_and_not_in_the_address", async () => {
  const { line, server } = await opened();
  const arrival = await server.arrival();
  expect(arrival.url).toBe("/api/v1/socket");
  expect(await arrival.next()).toEqual({
    type: "hello",
    version: 1,
    token: "secret",
    client: { program: "browser", version: "0", platform: "web" },
    interest: EVERYTHING,
  });
  expect(line.status.line).toBe("connecting");
});

test("after_the_welcome_come_a_snapshot_and_changes", async () => {
  const { line, arrival } = await welcomed([extension("102", "Boris")]);
  arrival.say({ type: "changes", seq: 8, facts: [extension("102", "Boris", { lamp: "ringing" })] });
  await until(() => expect(line.facts.extensions.get("102@main")?.lamp).toBe("ringing"));
  expect(line.status).toEqual({ line: "up", server: "test" });
});

test("a_gap_in_the_numbers_is_closed_by_a_snapshot", async () => {
  const { line, arrival } = await welcomed([extension("102", "Boris")]);
  arrival.say({ type: "changes", seq: 9, facts: [extension("102", "Boris", { lamp: "ringing" })] });
  expect(await arrival.next()).toEqual({ type: "resync" });
  // What comes before the snapshot is in it.
  arrival.say({ type: "changes", seq: 10, facts: [extension("102", "Boris", { lamp: "busy" })] });
  arrival.say({ type: "snapshot", seq: 10, facts: firm(extension("102", "Boris", { lamp: "on_hold" })) });
  await until(() => expect(line.facts.extensions.get("102@main")?.lamp).toBe("on_hold"));
  arrival.say({ type: "changes", seq: 11, facts: [extension("102", "Boris", { lamp: "idle" })] });
  await until(() => expect(line.facts.extensions.get("102@main")?.lamp).toBe("idle"));
});

test("an_old_number_is_not_heard_twice", async () => {
  const { line, arrival } = await welcomed([extension("102", "Boris")]);
  arrival.say({ type: "changes", seq: 7, facts: [extension("102", "Boris", { lamp: "ringing" })] });
  arrival.say({ type: "changes", seq: 8, facts: [extension("103", "Chen")] });
  await until(() => expect(line.facts.extensions.get("103@main")).toBeDefined());
  expect(line.facts.extensions.get("102@main")?.lamp).toBe("idle");
});

test("a_request_is_answered_by_its_id_and_the_same_id_is_sent_once", async () => {
  const { line, arrival } = await welcomed();
  const wish = { request: "dial", text: "102" } as const;
  const answers = Promise.all([line.request(wish, "w1"), line.request(wish, "w1")]);
  expect(await arrival.next()).toEqual({ type: "request", id: "w1", request: wish });
  arrival.say({ type: "reply", id: "nobody asked", answer: "done" });
  arrival.say({ type: "reply", id: "w1", answer: "done" });
  expect((await answers).map(({ answer }) => answer)).toEqual(["done", "done"]);
  const second = line.request({ request: "explain", text: "x" }, "w2");
  expect(await arrival.next()).toMatchObject({ id: "w2" });
  arrival.say({ type: "reply", id: "w2", answer: "done" });
  await second;
});

test("a_request_whose_line_broke_is_unknown_and_is_never_sent_again", async () => {
  const { line, server, arrival } = await welcomed();
  const answer = line.request({ request: "dial", text: "102" });
  await arrival.next();
  arrival.close();
  expect(await answer).toMatchObject({ answer: "failed", code: "unknown" });
  const again = await greet(await server.arrival());
  await until(() => expect(line.status.line).toBe("up"));
  const marker = line.request({ request: "explain", text: "marker" });
  expect(await again.next()).toMatchObject({ type: "request", request: { request: "explain" } });
  again.close();
  await marker;
});

test("without_a_line_nothing_is_sent_and_that_is_said", async () => {
  const { line } = await opened();
  expect(await line.request({ request: "dial", text: "102" })).toMatchObject({ answer: "failed", code: "busy" });
});

test("a_request_that_is_not_answered_in_time_is_unknown", async () => {
  const { line } = await welcomed([], { times: { ...TIMES, deadlineMs: 20 } });
  expect(await line.request({ request: "dial", text: "102" })).toMatchObject({ answer: "failed", code: "unknown" });
});

test("a_silent_server_is_asked_and_one_that_stays_silent_is_left", async () => {
  const { line, server, arrival } = await welcomed([], {
    times: { ...TIMES, firstMs: 1, silenceMs: 50, deadMs: 2000 },
  });
  for (let n = 1; n <= 2; n++) {
    expect(await arrival.next()).toEqual({ type: "ping", n });
    arrival.say({ type: "pong", n });
  }
  expect(await arrival.next()).toEqual({ type: "ping", n: 3 });
  const next = await server.arrival();
  expect(await next.next()).toMatchObject({ type: "hello" });
  expect(line.status.line).not.toBe("up");
});

test("a_lost_line_is_tried_again_and_what_was_known_stays_until_then", async () => {
  const { line, server, arrival } = await welcomed([extension("102", "Boris")]);
  arrival.close();
  await until(() => expect(line.status.line).toBe("away"));
  expect(line.facts.extensions.get("102@main")?.name).toBe("Boris");
  await greet(await server.arrival(), [extension("103", "Chen")]);
  await until(() => expect(line.status.line).toBe("up"));
  await until(() => expect(line.facts.extensions.get("102@main")).toBeUndefined());
});

test("a_network_that_comes_back_is_tried_at_once", async () => {
  const { line, server, arrival } = await welcomed([], { times: { ...TIMES, firstMs: 600_000, mostMs: 600_000 } });
  arrival.close();
  await until(() => expect(line.status.line).toBe("away"));
  line.wake();
  await greet(await server.arrival());
  await until(() => expect(line.status.line).toBe("up"));
});

test("a_refused_token_is_forgotten_and_not_tried_again", async () => {
  const onsignedout = vi.fn();
  const { line, server } = await opened({ onsignedout });
  const arrival = await server.arrival();
  arrival.say(goodbye("unauthenticated", "Revoked."));
  await arrival.closed;
  expect(onsignedout).toHaveBeenCalledExactlyOnceWith("Revoked.");
  expect(line.status).toEqual({ line: "ended", words: "Revoked." });
});

test("another_version_loads_the_page_once_and_then_says_so", async () => {
  for (const loads of [true, false]) {
    const { line, server } = await opened({ onversion: () => loads });
    const arrival = await server.arrival();
    arrival.say(goodbye("version", "Update."));
    await arrival.closed;
    expect(line.status).toMatchObject({ line: "ended", words: loads ? expect.stringContaining("loading") : "Update." });
  }
});

test.each(["busy", "too_slow"] as const)("a_server_that_is_%s_is_left_alone_as_long_as_it_says", async (code) => {
  const { line, arrival } = await welcomed();
  const before = Date.now();
  arrival.say({ ...goodbye(code, "Later."), retry_after_ms: 60_000 });
  await until(() => expect(line.status).toMatchObject({ line: "away", words: "Later." }));
  expect(line.status.line === "away" && line.status.retryAt - before).toBeGreaterThanOrEqual(60_000);
});

test.each(["<html>", "null", '{"no":"type"}'])("a_server_that_says_nonsense_is_left_%#", async (text) => {
  const { line, arrival } = await welcomed();
  arrival.babble(text);
  await arrival.closed;
  await until(() => expect(line.status.line).not.toBe("up"));
});

test("following_something_else_voids_changes_until_its_snapshot", async () => {
  const { line, arrival } = await welcomed();
  line.follow({ extensions: "none", queues: "none", parked: false, missed: false });
  expect(await arrival.next()).toMatchObject({ type: "follow" });
  arrival.say({ type: "changes", seq: 8, facts: [extension("102", "Boris")] });
  arrival.say({ type: "snapshot", seq: 8, facts: firm() });
  arrival.say({ type: "changes", seq: 9, facts: [extension("103", "Chen")] });
  await until(() => expect(line.facts.extensions.get("103@main")).toBeDefined());
  expect(line.facts.extensions.get("102@main")).toBeUndefined();
});

test("waits_double_from_a_quarter_second_to_fifteen_with_half_of_it_by_chance", () => {
  const waits = (random: number) => [0, 1, 2, 3, 20].map((n) => backoff(n, TIMES, random));
  expect(waits(1)).toEqual([250, 500, 1000, 2000, 15_000]);
  expect(waits(0)).toEqual([125, 250, 500, 1000, 7500]);
});

async function opened(over: Partial<LineOptions> = {}): Promise<{ line: WebLine; server: Loopback }> {
  const server = await loopback();
  const line = new WebLine({
    url: `${server.base.replace("http", "ws")}api/v1/socket`,
    token: "secret",
    client: { program: "browser", version: "0", platform: "web" },
    interest: EVERYTHING,
    onsignedout: () => {},
    onversion: () => false,
    // What is not told to be quick is patient: these machines are.
    times: { ...TIMES, firstMs: 1, silenceMs: 60_000, deadMs: 120_000, deadlineMs: 60_000 },
    random: () => 0.5,
    ...over,
  });
  ends.push(() => {
    line.close();
    server.close();
  });
  return { line, server };
}

async function welcomed(facts: Fact[] = [], over: Partial<LineOptions> = {}) {
  const { line, server } = await opened(over);
  const arrival = await greet(await server.arrival(), facts);
  await until(() => expect(line.facts.known).toBe(true));
  return { line, server, arrival };
}

/** Hello, welcome, snapshot number 7. */
async function greet(arrival: Arrival, facts: Fact[] = []): Promise<Arrival> {
  expect(await arrival.next()).toMatchObject({ type: "hello" });
  arrival.say({ type: "welcome", version: 1, server: "test", me: me(), now: Date.now() });
  arrival.say({ type: "snapshot", seq: 7, facts: firm(...facts) });
  return arrival;
}

function goodbye(code: ErrorCode, message: string) {
  return { type: "goodbye", code, message } as const;
}

/** Waits for what must come; generous, for the machine is shared. */
function until(holds: () => void): Promise<void> {
  return vi.waitFor(holds, { timeout: 20_000 });
}
