/**
 * Where Espalier keeps its own files: models, caches. Everything takes the folder as an argument; this is its
 * default.
 */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** The variables and the platform that decide; a parameter so that tests need not change the process. */
export interface HomeContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly userHome: string;
}

/** `ESPALIER_HOME` when it is set, else the data folder of the platform. An absolute path; it may not exist yet. */
export function espalierHome(
  context: HomeContext = { environment: process.env, platform: process.platform, userHome: homedir() },
): string {
  const { environment, platform, userHome } = context;
  const own = environment['ESPALIER_HOME'];
  if (own !== undefined && own !== '') return resolve(own);
  if (platform === 'darwin') return join(userHome, 'Library', 'Application Support', 'espalier');
  if (platform === 'win32') return join(environment['LOCALAPPDATA'] ?? join(userHome, 'AppData', 'Local'), 'espalier');
  const xdg = environment['XDG_DATA_HOME'];
  return join(xdg !== undefined && xdg.startsWith('/') ? xdg : join(userHome, '.local', 'share'), 'espalier');
}
