/** Engine and nodes put together: the only place of the engine that knows which nodes there are. */
import { applyPreset, fitHead, headTask, NODES, plainGraph, textLimits } from '../../nodes/index.ts';
import { makeRegistry } from '../compile/registry.ts';
import type { ImportToolkit } from '../workflow/peftImport.ts';

export const makeToolkit = (): ImportToolkit => ({
  registry: makeRegistry(NODES),
  fitHead,
  headTask,
  textLimits,
  plainGraph,
  applyPreset,
});
