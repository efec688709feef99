/**
 * The adapter container: one safetensors file with every trained tensor, and in its metadata what is needed to use it: the
 * document with the graph, the modules that can be sources, backbone, labels, task, figures. Tensors of source banks that
 * the model was trained with are in it too, so that a container and its backbone are enough to predict.
 *
 * Names: trained tensors by their paths (`layers/0/pfeiffer/down.weight`), sources as `source/BANK.NAME/PATH`.
 */
import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import { canonicalJson } from '../base/canonical.ts';
import {
  openSafetensors,
  readFloat32,
  writeSafetensors,
  type SafetensorsFile,
  type TensorToWrite,
} from '../checkpoints/safetensors.ts';
import type { NodeRegistry } from '../compile/registry.ts';
import type { Document } from '../protocol/document.ts';
import { entriesOf, recordOf, type BankId, type ModelId, type RecipeId, type SharedSetId } from '../protocol/ids.ts';
import { parseDocument } from '../protocol/parse.ts';
import { printDocument } from '../protocol/print.ts';
import { modelGraphs } from '../protocol/walk.ts';
import { knowsType } from './loadDocument.ts';
import * as messages from './messages.ts';
import type { ModuleRecord } from './modules.ts';

export const CONTAINER_FORMAT = 1;
export const CONTAINER_FILE = 'adapter.safetensors';

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const moduleSchema = z.strictObject({
  node: z.string(),
  type: z.string(),
  params: z.record(z.string(), scalar),
  prefix: z.string(),
  layers: z.array(z.int()),
  varies: z.string().exactOptional(),
});
const dataSchema = z.strictObject({
  task: z.enum(['classification', 'multilabel', 'regression', 'tokens']),
  /** Names of classes, labels or tags, in the order of the outputs; empty for numbers. */
  labels: z.array(z.string()),
  /** Columns that the texts were in. */
  text: z.array(z.string()),
  label: z.array(z.string()),
  maxLength: z.int(),
});
const containerSchema = z.strictObject({
  espalier_format: z.literal(String(CONTAINER_FORMAT)),
  model: z.string(),
  document: z.string(),
  modules: z.array(moduleSchema),
  backbone: z.strictObject({ reference: z.string(), hash: z.string() }),
  sources: z.array(z.strictObject({ bank: z.string(), name: z.string(), module: moduleSchema })),
  data: dataSchema,
  primary: z.string(),
  metrics: z.record(z.string(), z.number().nullable()),
});

export type ContainerData = z.infer<typeof dataSchema>;

/** What a container says of itself. */
export interface ContainerInfo {
  readonly model: ModelId;
  readonly document: Document;
  readonly modules: readonly ModuleRecord[];
  readonly backbone: { readonly reference: string; readonly hash: string };
  readonly sources: readonly { readonly bank: string; readonly name: string; readonly module: ModuleRecord }[];
  readonly data: ContainerData;
  /** The figure that chose the state, and all figures of that evaluation. */
  readonly primary: string;
  readonly metrics: Readonly<Record<string, number | null>>;
}

export interface Container extends ContainerInfo {
  readonly file: SafetensorsFile;
  readonly read: (tensor: string) => Float32Array;
}

export const sourceTensor = (artifact: string, tensor: string): string => `source/${artifact}/${tensor}`;

/** Writes a container durably. */
export function writeContainer(path: string, info: ContainerInfo, tensors: readonly TensorToWrite[]): void {
  const plain = {
    model: info.model,
    document: printDocument(info.document),
    modules: info.modules,
    backbone: info.backbone,
    sources: info.sources,
    data: info.data,
    primary: info.primary,
    metrics: info.metrics,
  };
  const metadata = new Map([['espalier_format', String(CONTAINER_FORMAT)]]);
  for (const [key, value] of Object.entries(plain)) {
    metadata.set(key, typeof value === 'string' ? value : canonicalJson(value));
  }
  writeSafetensors(path, tensors, metadata);
}

/** Opens a container. Throws a `UserError` when the file is none. */
export function openContainer(path: string, registry: NodeRegistry): Container {
  const file = openSafetensors(path);
  const refuse = (reason: string): never => {
    throw new UserError(messages.badContainer(path, reason));
  };
  const format = file.metadata.get('espalier_format');
  if (format === undefined) return refuse('a safetensors file without the metadata of an adapter');
  if (Number(format) > CONTAINER_FORMAT) {
    throw new UserError(messages.newerContainer(path, Number(format), CONTAINER_FORMAT));
  }
  const parsed = containerSchema.safeParse(fieldsOf(file.metadata));
  if (!parsed.success) return refuse(parsed.error.issues[0]?.message ?? 'broken metadata');
  const { document: text, model, ...rest } = parsed.data;
  const { document, diagnostics } = parseDocument(text, path, { knows: knowsType(registry) });
  if (!document) throw new UserError(diagnostics);
  if (!Object.hasOwn(document.models, model)) return refuse(`its document has no model "${model}"`);
  const { espalier_format: _format, ...info } = rest;
  return { ...info, document, model: model as ModelId, file, read: (tensor) => readFloat32(file, tensor) };
}

const TEXTS: ReadonlySet<string> = new Set(['espalier_format', 'model', 'document', 'primary']);

/** Metadata are texts; all but a few hold JSON. A text that is no JSON fails the schema. */
function fieldsOf(metadata: ReadonlyMap<string, string>): Record<string, unknown> {
  const parse = (text: string): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  };
  return Object.fromEntries([...metadata].map(([key, text]) => [key, TEXTS.has(key) ? text : parse(text)]));
}

/** The part of a document that one model needs: its graph, recipes, shared sets and banks, without a workflow. */
export function documentOfModel(document: Document, model: ModelId): Document {
  const nodes = modelGraphs(document)
    .filter((g) => g.model === model)
    .flatMap((g) => Object.values(g.graph.nodes));
  const only = <K extends string, V>(record: Readonly<Record<K, V>>, used: ReadonlySet<K>): Readonly<Record<K, V>> =>
    recordOf(entriesOf<K, V>(record).filter(([key]) => used.has(key)));
  const named = <K extends string>(read: (node: (typeof nodes)[number]) => K | undefined): ReadonlySet<K> =>
    new Set(nodes.flatMap((node) => read(node) ?? []));
  const banks = only(
    document.banks,
    named<BankId>((n) => n.bank),
  );
  // Where the sources came from is of no use here: their tensors lie in the container.
  const sources = entriesOf<BankId, Document['banks'][BankId]>(banks).map(
    ([id, bank]) =>
      [id, { ...bank, sources: bank.sources.map((s) => ({ ...s, artifact: { asset: CONTAINER_FILE } })) }] as const,
  );
  return {
    format: document.format,
    version: document.version,
    title: document.title,
    workflow: { nodes: recordOf([]), edges: [] },
    models: only(document.models, new Set([model])),
    recipes: only(
      document.recipes,
      named<RecipeId>((n) => n.recipe),
    ),
    sharedSets: only(
      document.sharedSets,
      named<SharedSetId>((n) => n.shared),
    ),
    banks: recordOf(sources),
  };
}
