/** What a check tells of one revision. It comes as events: findings first, costs when they are ready. */
import { z } from 'zod';
import type { Diagnostic } from '../../base/errors.ts';
import { query } from './define.ts';
import { nameSchema, projectIdSchema, revisionSchema } from './fields.ts';

// A path has an asterisk for the layer, which a block comment cannot hold before a slash.
/** One node, layers of a stack together; in its path an asterisk stands for the layer. */
export interface NodeFigures {
  readonly node: string;
  readonly copies: number;
  /** What it gives: `f32[B,T,384]`; empty for a node that only changes another. */
  readonly output: string;
  readonly frozen: number;
  readonly trainable: number;
  readonly flops?: number;
  readonly keptBytes?: number;
}

export interface ModelFigures {
  readonly model: string;
  readonly step?: string;
  readonly nodes: readonly NodeFigures[];
  readonly trainable: readonly {
    readonly name: string;
    readonly shape: string;
    readonly count: number;
    readonly decay: boolean;
  }[];
  readonly totals: {
    readonly parameters: number;
    readonly backbone: number;
    readonly trainable: number;
    /** Of the trainable parameters, those of the head. */
    readonly head: number;
    readonly weightBytes: number;
    readonly trainingBytes: number;
  };
  readonly costs?: {
    readonly forwardFlops: number;
    readonly stepFlops: number;
    readonly keptBytes: number;
    readonly peakBytes: number;
    readonly peakAt: string;
    /** Of a whole run: weights, training, values, runtime. */
    readonly predictedBytes: number;
    readonly batch: number;
    readonly length: number;
  };
}

export type CheckPhase = 'findings' | 'costs';

export interface CheckView {
  readonly revision: number;
  readonly phase: CheckPhase;
  readonly milliseconds: number;
  readonly diagnostics: readonly Diagnostic[];
  readonly models: readonly ModelFigures[];
}

/** What flows on a wire for a pinned batch. */
export interface ProbeView {
  readonly shape: readonly number[];
  readonly mean: number;
  readonly deviation: number;
  readonly min: number;
  readonly max: number;
  readonly notFinite: number;
  readonly histogram: { readonly from: number; readonly to: number; readonly counts: readonly number[] };
}

export const checkCommands = {
  'check.now': query<CheckView>()(
    z.strictObject({ project: projectIdSchema, revision: revisionSchema, phase: z.enum(['findings', 'costs']) }),
    'Check a project',
  ),
  'check.probe': query<ProbeView>()(
    z.strictObject({
      project: projectIdSchema,
      model: nameSchema,
      /** Path of the node with the layer's number: `layers/3/query`. */
      node: z.string().max(2000),
      port: nameSchema,
    }),
    'What flows on a wire for one batch',
  ),
} as const;
