import { expect, test } from "vitest";
import { failing, found, somebody } from "../testing/people";
import { about, leadsAway, recordLabel, said, short } from "./text";

test("a_text_of_any_length_is_a_line_and_no_character_is_cut_in_two", () => {
  expect(short("Ada")).toBe("Ada");
  expect(short("x".repeat(1_000_000))).toHaveLength(201);
  expect(short("😀".repeat(200), 3)).toBe("😀…");
});

test.each([
  "javascript:alert(1)",
  "JaVaScRiPt:alert(1)",
  " javascript:alert(1)",
  "java\nscript:alert(1)",
  "data:text/html,<script>alert(1)</script>",
  "vbscript:x",
  "file:///etc/passwd",
  "blob:https://example.com/1",
  "view-source:https://example.com",
  "about:blank",
  "//example.com/",
  "/relative",
  "",
  "https://example.com/\u202e x",
  `https://example.com/${"x".repeat(3000)}`,
])("the_link_%s_is_no_link", (url) => {
  expect(leadsAway(url, false)).toBe(false);
  expect(leadsAway(url, true)).toBe(false);
});

test("a_link_of_a_program_is_for_the_desktop_and_one_of_the_web_for_both", () => {
  expect(leadsAway("https://crm.example.com/#7", true)).toBe(true);
  expect(leadsAway("http://crm.lan/7", false)).toBe(true);
  expect(leadsAway("tryton://crm.example.com/model/party.party/7", false)).toBe(true);
  expect(leadsAway("tryton://crm.example.com/model/party.party/7", true)).toBe(false);
});

test("what_a_source_said_is_said_in_few_words", () => {
  expect(said(found("Tryton", 84))).toBe("Tryton 84 ms");
  expect(said(found("contacts.vcf", 0))).toBe("contacts.vcf");
  expect(said({ ...found("Tryton", 84), cached: true })).toBe("Tryton, asked earlier");
  expect(said({ source: "Odoo", state: "nobody", took_ms: 12, cached: false })).toBe("not in Odoo (12 ms)");
  expect(said({ source: "Odoo", state: "asking", took_ms: null, cached: false })).toBe("asking Odoo");
  expect(said(failing("Odoo", "x"))).toBe("Odoo failed");
});

test("what_is_not_known_of_a_person_leaves_no_gap", () => {
  expect(about(somebody({ company: "Engines", note: "met in May" }))).toBe("Engines · met in May");
  expect(about(somebody({ note: "met in May" }))).toBe("met in May");
  expect(about(somebody({}))).toBe("");
});

test("a_link_is_not_called_one_of_a_source_that_may_not_have_given_it", () => {
  expect(recordLabel(somebody({ source: "Tryton" }))).toBe("Open in Tryton");
  expect(recordLabel(somebody({ source: "contacts.vcf, Tryton" }))).toBe("Open the record");
});
