/**
 * Sources that were typed and not saved. They lie in the app's own folder, not in the workspace: a workspace may come from
 * elsewhere, and a draft is tried by a click.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { contentHash } from '../../base/canonical.ts';
import { writeFileDurable } from '../../base/durable.ts';
import { CUSTOM_NAME } from '../../sandbox/customNodes.ts';

export interface Drafts {
  /** By the names of the nodes. */
  all(): Readonly<Record<string, string>>;
  /** Without a source the draft is forgotten. */
  keep(name: string, source: string | undefined): void;
}

const EXTENSION = '.ts';

export function createDrafts(home: string, workspace: string): Drafts {
  const folder = join(home, 'drafts', contentHash(workspace).slice(0, 16));
  const fileOf = (name: string): string => join(folder, `${name}${EXTENSION}`);
  return {
    all: () => {
      const files = existsSync(folder) ? readdirSync(folder) : [];
      const names = files.filter((f) => f.endsWith(EXTENSION)).map((f) => f.slice(0, -EXTENSION.length));
      return Object.fromEntries(
        names.filter((n) => CUSTOM_NAME.test(n)).map((name) => [name, readFileSync(fileOf(name), 'utf8')]),
      );
    },
    keep: (name, source) => {
      if (source === undefined) rmSync(fileOf(name), { force: true });
      else writeFileDurable(fileOf(name), source);
    },
  };
}
