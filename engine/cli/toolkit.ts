/** Engine and nodes put together: the only place of the engine that knows which nodes there are. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { applyPreset, fitHead, headTask, NODES, plainGraph, textLimits } from '../../nodes/index.ts';
import { makeRegistry, type MoreNodes } from '../compile/registry.ts';
import { CUSTOM_FOLDER, CustomNodes } from '../sandbox/customNodes.ts';
import type { ImportToolkit } from '../workflow/peftImport.ts';

export const makeToolkit = (custom?: MoreNodes): ImportToolkit => ({
  registry: makeRegistry(NODES, custom),
  fitHead,
  headTask,
  textLimits,
  plainGraph,
  applyPreset,
});

/** The custom nodes of a workspace, as far as the settings in the app's home allow their sources. */
export const customNodesOf = (home: () => string, workspace: string): CustomNodes =>
  new CustomNodes({ folder: join(workspace, CUSTOM_FOLDER), trusted: () => trustedHashes(home()) });

function trustedHashes(home: string): readonly string[] {
  try {
    const settings = JSON.parse(readFileSync(join(home, 'settings.json'), 'utf8')) as { readonly trusted?: unknown };
    return Array.isArray(settings.trusted) ? settings.trusted.filter((hash) => typeof hash === 'string') : [];
  } catch {
    // No settings, or damaged ones: nothing is allowed.
    return [];
  }
}
