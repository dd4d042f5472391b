// Fields that a description file asks for: their words, and what stands in them.
import type { FieldKind } from "../wire/FieldKind";
import type { FormField } from "../wire/FormField";

/** The pages speak English; a description that does not is shown as it is. */
export function inWords(texts: FormField["title"]): string {
  return texts["en"] ?? Object.values(texts)[0] ?? "";
}

export function titleOf(field: FormField): string {
  return inWords(field.title) || field.name;
}

/** Goes one way: it can be typed and never read. */
export function isSecret(kind: FieldKind): boolean {
  return kind === "secret" || kind === "secret_url";
}

/** What stands there to begin with. */
export function beginning(fields: FormField[]): Record<string, string> {
  return Object.fromEntries(fields.map((field) => [field.name, isSecret(field.kind) ? "" : field.value]));
}
