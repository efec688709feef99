/**
 * Whether a graph fits into a PEFT folder, and how. It fits when all its modules are of one method that PEFT has, docked
 * where PEFT docks them, and the model without them computes what transformers computes for the backbone. The answer
 * counts for evaluation: dropout and initial values are no part of it.
 */
import { fail, ok, type Result } from '../../base/result.ts';
import type { Diagnostic } from '../../base/errors.ts';
import type { PeftTask } from '../../checkpoints/peft/config.ts';
import { headTensor } from '../../checkpoints/peft/names.ts';
import { compileModel, newMemo, type CompiledModel, type CompileMemo } from '../../compile/model.ts';
import { evaluateDim } from '../../ir/dim.ts';
import { emptyDocument, type Document, type Graph } from '../../protocol/document.ts';
import { recordOf, type ModelId } from '../../protocol/ids.ts';
import type { Backbone } from '../backbone.ts';
import type { HeadTask, Toolkit } from '../toolkit.ts';
import { activeNodes, docksOf, levelsOf, modulesOf, type ActiveNode, type GraphContext } from './levels.ts';
import { pathsOf, whole, type PeftPlan, type PlanContext, type PlannedTensor } from './plan.ts';
import { planPrefix, planPrompt } from './promptPlans.ts';
import { haveSameResult } from './sameResult.ts';
import { planIa3, planLnTuning, planLora } from './targetedPlans.ts';

/** What a checkpoint tells of its architecture. */
export interface BackboneFacts {
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensorNames: ReadonlySet<string>;
}

/** What only the nodes know, and PEFT files need. */
export interface PeftToolkit extends Toolkit {
  /** The graph of a checkpoint as it stands, with a head and without modules. */
  readonly plainGraph: (facts: BackboneFacts, task: HeadTask) => Result<Graph, readonly Diagnostic[]>;
}

export interface PeftSubject {
  readonly document: Document;
  readonly model: ModelId;
  readonly backbone: Backbone;
  readonly toolkit: PeftToolkit;
  /** Public name of the backbone, for the configuration. */
  readonly baseModel?: string;
}

interface Method {
  readonly words: string;
  readonly plan: (context: PlanContext) => Result<PeftPlan>;
}

/** The methods that PEFT has, by the types of their nodes. */
const METHOD_OF: ReadonlyMap<string, Method> = new Map([
  ['peft.lora', { words: 'LoRA', plan: planLora }],
  ['peft.dora', { words: 'LoRA', plan: planLora }],
  ['peft.ia3', { words: '(IA)³', plan: planIa3 }],
  ['peft.lnTuning', { words: 'LayerNorm tuning', plan: planLnTuning }],
  ['peft.prefix', { words: 'a prefix', plan: planPrefix }],
  ['peft.prefixMlp', { words: 'a prefix', plan: planPrefix }],
  ['peft.prompt', { words: 'a soft prompt', plan: planPrompt }],
]);

/** Why other nodes keep a graph from fitting. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['peft.gate', 'a gate scales the update, which no field of PEFT says'],
  ['peft.bottleneck', 'a bottleneck adapter has no PEFT file format'],
  ['peft.bitfit', 'BitFit has no PEFT file format'],
  ['peft.unfreeze', 'unfrozen weights have no PEFT file format'],
  ['source.bank', 'modules that read a source bank have no PEFT file format'],
]);

/** A plan, and the shapes of all trainable parameters by path. */
export interface PeftFit extends PeftPlan {
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

/** The plan of the folder, or in words why the graph has none. */
export function fitPeft(subject: PeftSubject): Result<PeftFit> {
  const { document, model, backbone, toolkit } = subject;
  const graph = document.models[model];
  const head = graph && toolkit.headTask(graph);
  if (!graph || !head) return fail('the model must have exactly one head and one node for labels');
  const tensorNames = new Set(backbone.aliases.keys());
  const plain = toolkit.plainGraph({ config: backbone.checkpoint.config, tensorNames }, head);
  if (!plain.ok) return fail(`the backbone has no plain form here: ${plain.error[0]?.message ?? ''}`);
  const context: GraphContext = { document, registry: toolkit.registry };
  const levels = levelsOf(graph);
  const nodes = levels.flatMap((level) => activeNodes(context, level));
  const method = theMethod(nodes);
  if (!method.ok) return method;
  const compiled = compileBoth(subject, plain.value);
  if (!compiled.ok) return compiled;
  const family = familyOf(backbone, head.kind);
  const docks = docksOf(context, levels, family.root);
  const plan = method.value.plan({
    ...context,
    levels,
    docks,
    modules: modulesOf(docks, family.root, family.heads),
    task: family.task,
    baseModel: subject.baseModel,
    shapes: compiled.value.shapes,
  });
  if (!plan.ok) return plan;
  const other = differences(context, plan.value, nodes, plain.value, family);
  if (other !== undefined) return fail(other);
  if (!haveSameResult(compiled.value.bypassed, compiled.value.plain)) {
    return fail(
      'without its modules the model does not compute what the backbone does: the graph was changed elsewhere',
    );
  }
  const isPrompt = plan.value.config.type === 'PREFIX_TUNING' || plan.value.config.type === 'PROMPT_TUNING';
  const tensors = [...plan.value.tensors, ...headTensors(nodes, compiled.value.shapes, family, isPrompt)];
  return allCovered(tensors, compiled.value.shapes)
    ? ok({ ...plan.value, tensors, shapes: compiled.value.shapes })
    : fail('modules share their parameters, PEFT has separate ones');
}

function theMethod(nodes: readonly ActiveNode[]): Result<Method> {
  for (const [type, reason] of REFUSED) if (nodes.some((n) => n.node.type === type)) return fail(reason);
  const modules = nodes.filter((n) => n.definition.peft !== undefined);
  const unknown = modules.find((n) => !METHOD_OF.has(n.node.type));
  if (unknown) return fail(`${unknown.definition.docs.title} has no PEFT file format`);
  const methods = new Map(modules.flatMap((n) => METHOD_OF.get(n.node.type) ?? []).map((m) => [m.plan, m]));
  const [method, second] = [...methods.values()];
  if (!method) return fail('the model has no module, and PEFT has no file format for a head alone');
  if (second) return fail(`the model mixes ${method.words} and ${second.words}, a PEFT folder holds one method`);
  return ok(method);
}

interface Compiled {
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly bypassed: CompiledModel;
  readonly plain: CompiledModel;
}

/** The model, the model without its modules, and the plain one. */
function compileBoth({ document, model, toolkit }: PeftSubject, plain: Graph): Result<Compiled> {
  const memo = newMemo();
  const alone: Document = { ...emptyDocument('plain'), models: recordOf([[model, plain]]) };
  const own = compileEvaluation(document, model, toolkit, memo, false);
  if (!own.ok) return own;
  const bypassed = compileEvaluation(document, model, toolkit, memo, true);
  if (!bypassed.ok) return bypassed;
  const reference = compileEvaluation(alone, model, toolkit, memo, false);
  if (!reference.ok) return reference;
  const trainable = own.value.parameters.filter((p) => p.role === 'trainable');
  const shapes = trainable.map((p) => [p.name, p.type.shape.map((d) => evaluateDim(d, new Map()))] as const);
  return ok({ shapes: new Map(shapes), bypassed: bypassed.value, plain: reference.value });
}

function compileEvaluation(
  document: Document,
  model: ModelId,
  toolkit: Toolkit,
  memo: CompileMemo,
  isBypassed: boolean,
): Result<CompiledModel> {
  const { compiled, diagnostics } = compileModel({
    document,
    model,
    registry: toolkit.registry,
    training: false,
    memo,
    ...(isBypassed ? { objective: (context) => context.model({ bypass: 'all' }) } : {}),
  });
  return compiled ? ok(compiled) : fail(`the model cannot be compiled: ${diagnostics[0]?.message ?? ''}`);
}

/** How transformers names the classifier of a family. */
interface Family {
  readonly task: PeftTask;
  /** The attribute that holds the bare model. */
  readonly root: 'bert' | 'roberta';
  /** Local names of our head's layers and the modules that they are. */
  readonly headNames: ReadonlyMap<string, string>;
  readonly heads: readonly string[];
  readonly hasPooler: boolean;
}

export function familyOf({ checkpoint, aliases }: Backbone, kind: HeadTask['kind']): Family {
  const root = checkpoint.config['model_type'] === 'bert' ? 'bert' : 'roberta';
  const task = kind === 'tokens' ? 'TOKEN_CLS' : 'SEQ_CLS';
  const headNames =
    root === 'roberta' && task === 'SEQ_CLS'
      ? new Map([
          ['dense', 'classifier.dense'],
          ['out', 'classifier.out_proj'],
        ])
      : new Map([['out', 'classifier']]);
  const hasPooler = [...aliases.keys()].some((name) => name.endsWith('pooler.dense.weight'));
  return { task, root, headNames, heads: [...headNames.values()], hasPooler };
}

/** What PEFT and transformers would do otherwise than this graph. */
function differences(
  context: GraphContext,
  { config }: PeftPlan,
  nodes: readonly ActiveNode[],
  plain: Graph,
  family: Family,
): string | undefined {
  if (family.root === 'bert' && family.task === 'SEQ_CLS' && !family.hasPooler) {
    return 'the backbone has no pooler, and transformers would add one of random values';
  }
  const isPrefix = config.type === 'PREFIX_TUNING';
  if (isPrefix && family.root === 'roberta' && family.task === 'SEQ_CLS') {
    return 'PEFT cannot run a prefix in a RoBERTa model for sequences';
  }
  const plainContext = { ...context, document: emptyDocument('plain') };
  const plainNodes = levelsOf(plain).flatMap((level) => activeNodes(plainContext, level));
  const wanted = firstPosition(plainNodes) + (isPrefix ? config.virtualTokens : 0);
  const found = firstPosition(nodes);
  if (found === wanted) return undefined;
  return isPrefix
    ? `positions begin at ${found}, in PEFT they begin behind the prefix at ${wanted}: choose positions=shifted`
    : `positions begin at ${found}, in PEFT they begin at ${wanted}`;
}

const firstPosition = (nodes: readonly ActiveNode[]): number =>
  Number(nodes.find((n) => n.node.type === 'bert.embeddings')?.params['firstPosition'] ?? 0);

function headTensors(
  nodes: readonly ActiveNode[],
  shapes: PlanContext['shapes'],
  family: Family,
  isPrompt: boolean,
): PlannedTensor[] {
  const head = nodes.find((n) => n.definition.docs.family === 'head' && n.node.type.startsWith('head.'));
  return [...family.headNames].flatMap(([local, module]) =>
    (['weight', 'bias'] as const).map((part) =>
      whole({ shapes }, headTensor(module, part, isPrompt), `${head?.id ?? ''}/${local}.${part}`),
    ),
  );
}

/** Every trainable parameter is in exactly one tensor. */
function allCovered(tensors: readonly PlannedTensor[], shapes: PlanContext['shapes']): boolean {
  const paths = tensors.flatMap((t) => pathsOf(t.source));
  return paths.length === new Set(paths).size && paths.length === shapes.size && paths.every((p) => shapes.has(p));
}
