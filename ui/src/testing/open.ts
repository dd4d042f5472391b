// Opens a window on a made-up host, as a person or a screen reader finds it.
import { render } from "@testing-library/svelte";
import userEvent, { type UserEvent } from "@testing-library/user-event";
import axe from "axe-core";
import { flushSync, type Component } from "svelte";
import { expect } from "vitest";
import { FakeBackend } from "../backend/fake";
import { Store, withStore } from "../store.svelte";
import type { Change } from "../types/Change";
import type { Reply } from "../types/Reply";
import type { Request } from "../types/Request";
import type { State } from "../types/State";

export interface Opened {
  backend: FakeBackend;
  user: UserEvent;
  change(change: Change): void;
}

export function open(
  window: Component,
  state: State,
  answer?: (request: Request) => Reply | Promise<Reply>,
  user: UserEvent = userEvent.setup(),
): Opened {
  const backend = new FakeBackend(state, answer);
  render(window, { context: withStore(new Store(backend)) });
  const change = (news: Change) => flushSync(() => backend.change(news));
  return { backend, user, change };
}

/** Fails with axe's own words. Colours are checked in `look.test.ts`: jsdom draws nothing, which axe needs for them and for names. */
export async function expectAccessible(): Promise<void> {
  const { violations } = await axe.run(document.body, {
    rules: {
      "color-contrast": { enabled: false },
      "label-content-name-mismatch": { enabled: false },
      region: { enabled: false },
    },
  });
  expect(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" ")}`)).toEqual([]);
}

/** No element came out of a text: nothing but what the components are made of. */
export function expectNothingInjected(): void {
  expect(document.body.querySelectorAll("img, script, iframe, object, [onerror], [onload]")).toHaveLength(0);
}
