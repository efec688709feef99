/**
 * The saved document, schema version 1, as zod schemas; the types are inferred from them and the JSON Schema is generated
 * from them. Only the shape is said here: what ids refer to, cycles and layer ranges are checked in `structure/`, and what
 * a node type means is known to the compiler alone. Key order in the schemas is the key order of the printed file.
 */
import { z } from 'zod';
import {
  bankIdSchema,
  endpointNodeSchema,
  identifierSchema,
  modelIdSchema,
  nodeIdSchema,
  portIdSchema,
  rawTextSchema,
  recipeIdSchema,
  recordOf,
  sharedSetIdSchema,
  type NodeId,
} from './ids.ts';
import { layerSelectionSchema } from './selection.ts';
import { pathProblem } from './paths.ts';

export const DOCUMENT_FORMAT = 'espalier';
export const DOCUMENT_VERSION = 1;
export const MAX_LAYERS = 4096;

/**
 * Records lose their prototype as they enter, so that an id such as `toString` finds nothing. The type stays that of the
 * record, because a transform's type cannot be inferred through the recursion of graphs.
 */
const bare = <S extends z.ZodRecord>(schema: S): S =>
  schema.transform((r) => recordOf(Object.entries(r))) as unknown as S;

/** Plain data all the way down; said once here, because `readonly()` on each schema would hide it in noise. */
export type DeepReadonly<T> = unknown extends T
  ? T
  : T extends string | number | boolean
    ? T
    : T extends readonly (infer Item)[]
      ? readonly DeepReadonly<Item>[]
      : { readonly [K in keyof T]: DeepReadonly<T[K]> };

const titleSchema = z.string().max(1000);
const notesSchema = z.string().max(100_000);
const nodeTypeSchema = z.string().min(1).max(128);
const nodeVersionSchema = z.int().min(1).max(1_000_000);

export const scalarSchema = z.union([z.number(), z.boolean(), z.string().max(1_000_000)]);
const layeredSchema = z.strictObject({ all: scalarSchema, at: bare(z.record(layerSelectionSchema, scalarSchema)) });
export const paramValueSchema = z.union([scalarSchema, z.array(scalarSchema), layeredSchema]);
export const paramsSchema = bare(z.record(identifierSchema, paramValueSchema));

export const edgeSchema = z.strictObject({
  from: z.strictObject({ node: endpointNodeSchema, port: portIdSchema }),
  to: z.strictObject({ node: endpointNodeSchema, port: portIdSchema }),
  order: z.int().exactOptional(),
});

/** Kinds of ports that a graph may promote to the level above. */
export const PORT_KINDS = [
  'tensor',
  'transform',
  'affine',
  'kv',
  'loss',
  'dataset',
  'column',
  'template',
  'backbone',
  'model',
  'adapter',
  'metrics',
  'file',
] as const;
export const promotedSchema = z.strictObject({
  name: portIdSchema,
  node: nodeIdSchema,
  port: portIdSchema,
  kind: z.enum(PORT_KINDS),
});

export const stackSchema = z.strictObject({
  name: identifierSchema.exactOptional(),
  repeat: z.int().min(1).max(MAX_LAYERS),
  first: z
    .int()
    .min(0)
    .max(99_999 - MAX_LAYERS),
  weights: z.enum(['each', 'shared']),
  carry: z.array(portIdSchema).min(1),
  broadcast: z.array(portIdSchema).prefault([]),
  collect: z.array(portIdSchema).prefault([]),
});

/** Site names follow the adapter hub's habit: dotted words such as `attn.query` or `ffn.up`. */
const siteSchema = z
  .string()
  .max(128)
  .regex(/^[A-Za-z][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*$/);

/** A model's graph, or the body of a stack. Written out, because the type of a recursive schema cannot be inferred. */
export interface Graph {
  readonly nodes: Readonly<Record<NodeId, DeepReadonly<z.output<typeof nodeSchema>>>>;
  readonly edges: readonly DeepReadonly<z.output<typeof edgeSchema>>[];
  readonly promoted?: readonly DeepReadonly<z.output<typeof promotedSchema>>[];
}

/** Steps and artifact wires, or the body of a for-each step. */
export interface Workflow {
  readonly nodes: Readonly<Record<NodeId, DeepReadonly<z.output<typeof workflowNodeSchema>>>>;
  readonly edges: readonly DeepReadonly<z.output<typeof edgeSchema>>[];
}

export const nodeSchema = z.strictObject({
  type: nodeTypeSchema,
  version: nodeVersionSchema,
  title: titleSchema.exactOptional(),
  site: siteSchema.exactOptional(),
  recipe: recipeIdSchema.exactOptional(),
  shared: sharedSetIdSchema.exactOptional(),
  bank: bankIdSchema.exactOptional(),
  scope: z.enum(['layer', 'stack', 'model']).exactOptional(),
  layers: layerSelectionSchema.exactOptional(),
  mute: z.union([z.boolean(), layerSelectionSchema]).exactOptional(),
  params: paramsSchema.prefault({}),
  stack: stackSchema.exactOptional(),
  get body(): z.ZodExactOptional<z.ZodType<Graph>> {
    return graphSchema.exactOptional();
  },
  notes: notesSchema.exactOptional(),
  raw: rawTextSchema.exactOptional(),
});

export const graphSchema = z.strictObject({
  nodes: bare(z.record(nodeIdSchema, nodeSchema)),
  edges: z.array(edgeSchema).prefault([]),
  promoted: z.array(promotedSchema).exactOptional(),
});

export const recipeSchema = z.strictObject({
  type: nodeTypeSchema,
  version: nodeVersionSchema,
  title: titleSchema.exactOptional(),
  params: paramsSchema.prefault({}),
  raw: rawTextSchema.exactOptional(),
});

export const sharedSetSchema = z.strictObject({ title: titleSchema.exactOptional() });

const assetSchema = z.string().superRefine((path, context) => {
  const problem = pathProblem(path);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});
export const artifactRefSchema = z.union([
  z.strictObject({
    step: nodeIdSchema,
    item: identifierSchema.exactOptional(),
    output: portIdSchema.exactOptional(),
  }),
  z.strictObject({ promoted: portIdSchema }),
  z.strictObject({ hash: z.string().regex(/^[0-9a-f]{64}$/) }),
  z.strictObject({ asset: assetSchema }),
]);
export const bankSourceSchema = z.strictObject({
  name: identifierSchema,
  artifact: artifactRefSchema,
  mute: z.boolean().exactOptional(),
  layers: layerSelectionSchema.exactOptional(),
});
export const bankSchema = z.strictObject({ title: titleSchema.exactOptional(), sources: z.array(bankSourceSchema) });

export const forEachItemSchema = z.strictObject({
  name: identifierSchema,
  mute: z.boolean().exactOptional(),
  set: bare(z.record(nodeIdSchema, paramsSchema)).prefault({}),
});
export const workflowNodeSchema = z.strictObject({
  type: nodeTypeSchema,
  version: nodeVersionSchema,
  title: titleSchema.exactOptional(),
  model: modelIdSchema.exactOptional(),
  params: paramsSchema.prefault({}),
  items: z.array(forEachItemSchema).exactOptional(),
  get body(): z.ZodExactOptional<z.ZodType<Workflow>> {
    return workflowSchema.exactOptional();
  },
  notes: notesSchema.exactOptional(),
  raw: rawTextSchema.exactOptional(),
});
export const workflowSchema = z.strictObject({
  nodes: bare(z.record(nodeIdSchema, workflowNodeSchema)),
  edges: z.array(edgeSchema).prefault([]),
});

export const documentSchema = z.strictObject({
  format: z.literal(DOCUMENT_FORMAT),
  version: z.literal(DOCUMENT_VERSION),
  title: titleSchema,
  notes: notesSchema.exactOptional(),
  workflow: workflowSchema.prefault({ nodes: {} }),
  models: bare(z.record(modelIdSchema, graphSchema)),
  recipes: bare(z.record(recipeIdSchema, recipeSchema)).prefault({}),
  sharedSets: bare(z.record(sharedSetIdSchema, sharedSetSchema)).prefault({}),
  banks: bare(z.record(bankIdSchema, bankSchema)).prefault({}),
  view: z.unknown().exactOptional(),
});
