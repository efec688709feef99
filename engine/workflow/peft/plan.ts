/** What fits a graph into a PEFT folder: the configuration, and how each tensor of it is made of trained parameters. */
import type { PeftConfig, PeftTask } from '../../checkpoints/peft/config.ts';
import type { ModelModule } from '../../checkpoints/peft/modules.ts';
import type { ActiveNode, Dock, GraphContext, Level } from './levels.ts';

export type TensorSource =
  /** The parameter itself, in another shape. */
  | { readonly kind: 'whole'; readonly path: string }
  /** Matrices `[rows, n]` side by side. */
  | { readonly kind: 'columns'; readonly paths: readonly string[] }
  /** A prefix that an MLP makes; it cannot be taken apart again. */
  | {
      readonly kind: 'prefixMlp';
      readonly embedding: string;
      readonly inner: Affine;
      readonly layers: readonly Affine[];
    };

/** Paths of a linear layer's weight `[out, in]` and bias. */
export interface Affine {
  readonly weight: string;
  readonly bias: string;
}

export interface PlannedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly source: TensorSource;
}

export interface PeftPlan {
  readonly config: PeftConfig;
  readonly tensors: readonly PlannedTensor[];
}

/** What the plans of all methods are made from. */
export interface PlanContext extends GraphContext {
  readonly levels: readonly Level[];
  readonly docks: readonly Dock[];
  readonly modules: readonly ModelModule[];
  readonly task: PeftTask;
  readonly baseModel: string | undefined;
  /** Shapes of the trainable parameters by path. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

export const pathsOf = (source: TensorSource): readonly string[] => {
  switch (source.kind) {
    case 'whole':
      return [source.path];
    case 'columns':
      return source.paths;
    case 'prefixMlp':
      return [source.embedding, ...[source.inner, ...source.layers].flatMap((a) => [a.weight, a.bias])];
  }
};

/** A parameter under a name and shape of PEFT's; the shape is the parameter's own unless given. */
export function whole(
  { shapes }: Pick<PlanContext, 'shapes'>,
  name: string,
  path: string,
  shape?: (own: readonly number[]) => readonly number[],
): PlannedTensor {
  // A path that no parameter has is found when all paths are compared with the model's.
  const own = shapes.get(path) ?? [];
  return { name, shape: shape ? shape(own) : own, source: { kind: 'whole', path } };
}

/** `layers/3/query/lora_attn_query/A`: transforms keep their parameters inside of the layer that they dock on. */
export const dockedPath = (dock: Dock, module: ActiveNode, local: string): string =>
  `${dock.level.prefix}${dock.at.id}/${module.id}/${local}`;

/** The value that most have, the smaller one of equally many. */
export function mostCommon(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const v of values) counts.set(v, (counts.get(v) ?? 0) + 1);
  return [...counts].sort(([a, n], [b, m]) => m - n || a - b)[0]?.[0] ?? 0;
}
