// Times and names as people read them.
import type { Card } from "./types/Card";
import type { People } from "./wire/People";
import type { Person } from "./wire/Person";

/** "0:04", "12:30", "1:02:03": how long something lasts, `from` and `to` in Unix milliseconds. */
export function lasting(from: number, to: number): string {
  return seconds((to - from) / 1000);
}

export function seconds(count: number): string {
  const whole = Math.max(0, Math.floor(count));
  const two = (n: number) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** "40 s", "6 min", "1 h 5 min": for what is over. */
export function roughly(count: number): string {
  if (count < 60) return `${count} s`;
  const minutes = Math.round(count / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const clockTime = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const dayInYear = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

export function timeOfDay(at: number): string {
  return clockTime.format(at);
}

export function day(at: number, now: number): string {
  const midnight = (t: number) => new Date(t).setHours(0, 0, 0, 0);
  const days = Math.round((midnight(now) - midnight(at)) / 86_400_000);
  if (days === 0) return "Today";
  return days === 1 ? "Yesterday" : dayInYear.format(at);
}

export function onePerson(people: People): Person | undefined {
  return people.found === "one" ? people.person : undefined;
}

/** Who a card or a list row is about, shortest first: person, name from the PBX, number. */
export function who(card: Pick<Card, "party" | "people">): string {
  return onePerson(card.people)?.name ?? card.party.name ?? card.party.number ?? "Number withheld";
}

export function companyAndNote(person: Person): string {
  return [person.company, person.note].filter(Boolean).join(" · ");
}
