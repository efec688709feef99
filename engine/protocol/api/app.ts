/** Commands about the app itself: its facts, settings, models, files of the workspace, downloads. */
import { z } from 'zod';
import type { Catalog } from './catalog.ts';
import { mutation, query } from './define.ts';
import { grantIdSchema, nameSchema, relativePathSchema, type GrantId, type ProjectId } from './fields.ts';

export interface AppInfo {
  readonly version: string;
  /** What the operating system shows as the workspace's folder; for people only. */
  readonly workspace: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly devices: readonly string[];
  /** Whether the service was started by the desktop shell, which has native dialogs. */
  readonly desktop: boolean;
}

export interface Settings {
  /** Threads of a run; 0: as many as the machine has cores. */
  readonly threads: number;
  readonly theme: 'system' | 'light' | 'dark';
  readonly hubAddress: string;
  readonly zoom: number;
  /** Hashes of the sources of custom nodes that the person has allowed. */
  readonly trusted: readonly string[];
  readonly firstRunDone: boolean;
  /** Command id to keys, where the person changed them. */
  readonly keys: Readonly<Record<string, string>>;
}

export interface RecentFile {
  readonly title: string;
  /** Relative to the workspace, or the file's name after that of its folder when it was granted. */
  readonly file: string;
  readonly opened: string;
  readonly missing: boolean;
}

export interface ModelEntry {
  readonly name: string;
  readonly present: boolean;
  readonly bytes: number;
  readonly architecture: string;
  readonly licence: string;
  readonly card: string;
}

export interface FileEntry {
  readonly name: string;
  readonly path: string;
  readonly folder: boolean;
  readonly bytes: number;
}

export interface DiskUse {
  readonly entries: readonly {
    readonly what: string;
    readonly id: string;
    readonly bytes: number;
    readonly removable: boolean;
  }[];
}

export const appCommands = {
  'app.info': query<AppInfo>()(z.strictObject({}), 'Facts about the service and the machine'),
  'app.catalog': query<Catalog>()(z.strictObject({}), 'Node types, methods, steps and templates'),
  'app.settings': query<Settings>()(z.strictObject({}), 'The settings of the app'),
  'app.setSettings': mutation<Settings>()(
    z.strictObject({
      threads: z.int().min(0).max(1024).exactOptional(),
      theme: z.enum(['system', 'light', 'dark']).exactOptional(),
      hubAddress: z.url({ protocol: /^https$/ }).exactOptional(),
      zoom: z.number().min(0.5).max(3).exactOptional(),
      trusted: z
        .array(z.string().regex(/^[0-9a-f]{64}$/))
        .max(10_000)
        .exactOptional(),
      firstRunDone: z.boolean().exactOptional(),
      keys: z.record(z.string().max(100), z.string().max(100)).exactOptional(),
    }),
    'Change settings of the app',
  ),
  'app.recent': query<readonly RecentFile[]>()(z.strictObject({}), 'Files that were open lately'),
  'app.problemReport': query<{ readonly text: string }>()(z.strictObject({}), 'A report of a problem without secrets'),
  'app.disk': query<DiskUse>()(z.strictObject({}), 'What takes room on the disk'),
  'app.cleanDisk': mutation<{ readonly freed: number }>()(
    z.strictObject({ ids: z.array(z.string().max(500)).max(10_000) }),
    'Remove results and models that are not used',
  ),
  'models.list': query<readonly ModelEntry[]>()(z.strictObject({}), 'Models of the store'),
  'models.get': mutation<{ readonly job: string }>()(
    z.strictObject({ id: nameSchema }),
    'Download a model; progress comes as events',
  ),
  'models.add': mutation<{ readonly name: string }>()(
    z.strictObject({
      grant: grantIdSchema.exactOptional(),
      path: relativePathSchema.exactOptional(),
      name: nameSchema.exactOptional(),
    }),
    'Add a model folder to the store',
  ),
  'files.list': query<readonly FileEntry[]>()(
    z.strictObject({ path: relativePathSchema }),
    'A folder of the workspace; the roots for ""',
  ),
  /** The file becomes a file of the project's folder, so that the document names it without a path of the machine. */
  'files.import': mutation<{ readonly file: string }>()(
    z.strictObject({ project: z.string().max(64), grant: grantIdSchema }),
    'Copy a granted file beside the document',
  ),
  'download.ticket': mutation<{ readonly ticket: string; readonly name: string }>()(
    z.strictObject({
      what: z.discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('document'), project: z.string().max(64) }),
        z.strictObject({ kind: z.literal('run-file'), run: z.string().max(64), file: relativePathSchema }),
        z.strictObject({ kind: z.literal('run-export'), run: z.string().max(64), as: z.enum(['adapter', 'peft']) }),
        z.strictObject({ kind: z.literal('code'), project: z.string().max(64), model: nameSchema }),
      ]),
    }),
    'A one-use ticket for a download',
  ),
} as const;

export type { GrantId, ProjectId };
