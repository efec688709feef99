/** Settings of the app, kept in the home folder. A damaged file is set aside and never stops the app. */
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileDurable } from '../../base/durable.ts';
import type { Settings } from '../../protocol/api/app.ts';
import type { Log } from '../log.ts';

const settingsSchema = z.object({
  threads: z.int().min(0).max(1024).catch(0),
  theme: z.enum(['system', 'light', 'dark']).catch('system'),
  hubAddress: z.url({ protocol: /^https$/ }).catch('https://huggingface.co'),
  zoom: z.number().min(0.5).max(3).catch(1),
  trusted: z
    .array(z.string().regex(/^[0-9a-f]{64}$/))
    .max(10_000)
    .catch([]),
  firstRunDone: z.boolean().catch(false),
  keys: z.record(z.string().max(100), z.string().max(100)).catch({}),
});

export const DEFAULT_SETTINGS: Settings = settingsSchema.parse({});

export interface AppSettings {
  readonly get: () => Settings;
  /** Changes some fields, durably before it returns. */
  readonly set: (change: { readonly [K in keyof Settings]?: Settings[K] | undefined }) => Settings;
}

export function openSettings(home: string, log: Log): AppSettings {
  const file = join(home, 'settings.json');
  let current = readSettings(file, log);
  return {
    get: () => current,
    set: (change) => {
      const given = Object.entries(change).filter(([, value]) => value !== undefined);
      const next = settingsSchema.parse({ ...current, ...Object.fromEntries(given) });
      writeFileDurable(file, `${JSON.stringify(next, null, 2)}\n`);
      current = next;
      return current;
    },
  };
}

function readSettings(file: string, log: Log): Settings {
  if (!existsSync(file)) return DEFAULT_SETTINGS;
  try {
    return settingsSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    const aside = `${file}.damaged`;
    renameSync(file, aside);
    log.warning(
      'The settings file was damaged and is set aside as settings.json.damaged; the settings are the usual ones again.',
    );
    return DEFAULT_SETTINGS;
  }
}
