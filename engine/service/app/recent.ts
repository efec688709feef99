/** The files that were open lately, newest first, kept in the home folder. */
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { writeFileDurable } from '../../base/durable.ts';
import type { RecentFile } from '../../protocol/api/app.ts';
import type { Workspace } from '../files/workspace.ts';

const entrySchema = z.object({ title: z.string(), path: z.string(), opened: z.string() });
const MOST = 20;

type Entry = z.output<typeof entrySchema>;

export interface RecentList {
  readonly list: (workspace: Workspace) => readonly RecentFile[];
  readonly add: (path: string, title: string) => void;
  /** The path of an entry of the list. */
  readonly path: (index: number) => string | undefined;
}

export function openRecent(home: string): RecentList {
  const file = join(home, 'recent.json');
  let entries = read(file);
  return {
    list: (workspace) =>
      entries.map(({ title, path, opened }) => ({
        title,
        // Many projects have files of one name; the folder tells them apart.
        file: workspace.relative(path) ?? `${basename(dirname(path))}/${basename(path)}`,
        opened,
        missing: lstatSync(path, { throwIfNoEntry: false })?.isFile() !== true,
      })),
    path: (index) => entries[index]?.path,
    add: (path, title) => {
      const first: Entry = { title, path, opened: new Date().toISOString() };
      entries = [first, ...entries.filter((e) => e.path !== path)].slice(0, MOST);
      writeFileDurable(file, `${JSON.stringify(entries, null, 2)}\n`);
    },
  };
}

function read(file: string): readonly Entry[] {
  if (!existsSync(file)) return [];
  try {
    return z
      .array(entrySchema)
      .max(1000)
      .parse(JSON.parse(readFileSync(file, 'utf8')))
      .slice(0, MOST);
  } catch {
    // A list of files is a convenience: a damaged one begins anew.
    return [];
  }
}
