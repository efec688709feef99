/** Engine and nodes put together: the only place of the engine that knows which nodes there are. */
import { fitHead, headTask, NODES, textLimits } from '../../nodes/index.ts';
import { makeRegistry } from '../compile/registry.ts';
import type { Toolkit } from '../workflow/toolkit.ts';

export const makeToolkit = (): Toolkit => ({ registry: makeRegistry(NODES), fitHead, headTask, textLimits });
