/** The graph of a checkpoint as it stands, with a head for a task and without modules. */
import type { Diagnostic } from '../../engine/base/errors.ts';
import { ok, type Result } from '../../engine/base/result.ts';
import type { Graph } from '../../engine/protocol/document.ts';
import { bertGraph } from './bert.ts';
import type { HeadTask } from './fitHead.ts';
import { readBertConfig, type BackboneFacts } from './readConfig.ts';

/** Fails with every reason why this checkpoint cannot be opened as layers. */
export function plainGraph(facts: BackboneFacts, { kind, outputs }: HeadTask): Result<Graph, readonly Diagnostic[]> {
  const config = readBertConfig(facts);
  if (!config.ok) return config;
  return ok(bertGraph(config.value, kind === 'regression' ? { kind } : { kind, classes: outputs }));
}
