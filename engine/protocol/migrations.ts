/**
 * Saved files move to the newest schema by numbered, named steps, each a pure function from one version's plain JSON to
 * the next one's. A step may not change a node whose type it does not name: unknown nodes must come out as the very same
 * objects, because their text is kept by identity. Files are never rewritten by opening them.
 */
import { BugError } from '../base/errors.ts';
import { fail, ok, type Result } from '../base/result.ts';

/** An object of parsed JSON, before any schema has seen it. */
export type JsonObject = { readonly [key: string]: unknown };

export interface Migration {
  /** The version that the step produces; it takes documents of the version before. */
  readonly to: number;
  /** What the step does, in the form `add-stack-ports`; shown when it fails. */
  readonly name: string;
  /** Takes the document without its `version`, which the chain writes. Pure; may assume nothing about the shape. */
  readonly up: (document: JsonObject) => JsonObject;
}

export interface MigrationChain {
  /** The oldest version that can be read. */
  readonly first: number;
  readonly current: number;
  readonly steps: readonly Migration[];
}

/** Checks that the steps are numbered without holes and named apart; a chain that is not is a bug of ours. */
export function migrationChain(first: number, steps: readonly Migration[]): MigrationChain {
  const names = new Set<string>();
  steps.forEach((step, i) => {
    if (step.to !== first + 1 + i)
      throw new BugError(`migration "${step.name}" makes version ${step.to}, not ${first + 1 + i}`);
    if (!/^[a-z][a-z0-9-]*$/.test(step.name)) throw new BugError(`migration name "${step.name}" is not kebab-case`);
    if (names.has(step.name)) throw new BugError(`two migrations are named "${step.name}"`);
    names.add(step.name);
  });
  return { first, current: first + steps.length, steps };
}

export type MigrationFault =
  | { readonly kind: 'newer'; readonly version: number }
  | { readonly kind: 'older'; readonly version: number }
  | { readonly kind: 'failed'; readonly step: Migration; readonly reason: string };

/**
 * Brings a document of version `version` to the chain's current one. A step that throws met an old document of the wrong
 * shape; that is the file's fault and becomes an answer, not an exception.
 */
export function migrate(
  chain: MigrationChain,
  document: JsonObject,
  version: number,
): Result<JsonObject, MigrationFault> {
  if (version > chain.current) return fail({ kind: 'newer', version });
  if (version < chain.first) return fail({ kind: 'older', version });
  let current = document;
  for (const step of chain.steps.slice(version - chain.first)) {
    try {
      const content = Object.fromEntries(Object.entries(current).filter(([key]) => key !== 'version'));
      current = { ...step.up(content), version: step.to };
    } catch (error) {
      return fail({ kind: 'failed', step, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return ok(current);
}

/** The chain of the saved document. Version 1 is the first, so there is no step yet. */
export const documentMigrations: MigrationChain = migrationChain(1, []);
