/**
 * From a document's model to a Program: the graph traced into functions, the objective traced on top of them, weights
 * named by their place in the checkpoint. The result is unoptimised and still in functions; `passes` do the rest.
 */
import { contentHash } from '../base/canonical.ts';
import { BugError, must, type Diagnostic } from '../base/errors.ts';
import { add, mul, sum } from '../ir/build.ts';
import { symbol, type SymbolDecl } from '../ir/dim.ts';
import { FP32, type Program } from '../ir/program.ts';
import { readValues, type ReadMemo } from '../ir/reads.ts';
import type { Tensor } from '../ir/tensor.ts';
import { printShape, sameShape, tensorType } from '../ir/types.ts';
import type { SourceModule } from '../nodekit/node.ts';
import { FnLibrary, Scope, type Declaration, type Traced, type WeightRef } from '../nodekit/scope.ts';
import type { LossWire, Wire } from '../nodekit/wires.ts';
import type { Document, Graph, Node } from '../protocol/document.ts';
import { entriesOf, type BankId, type ModelId, type NodeId } from '../protocol/ids.ts';
import { FnBuilder } from '../tracing/builder.ts';
import { checkWires } from './resolve.ts';
import * as messages from './messages.ts';
import type { NodeRegistry } from './registry.ts';
import { traceGraph } from './trace.ts';
import { Numbers, type TraceContext, type TracedWires } from './traceContext.ts';

export const BATCH = symbol('B');
export const LENGTH = symbol('T');

export interface CompileRequest {
  readonly document: Document;
  readonly model: ModelId;
  readonly registry: NodeRegistry;
  readonly training: boolean;
  readonly banks?: ReadonlyMap<BankId, readonly SourceModule[]>;
  /** Shape of a checkpoint tensor, or undefined when there is none; absent when no checkpoint is at hand. */
  readonly weightShape?: (ref: WeightRef) => readonly number[] | undefined;
  readonly objective?: Objective;
  /** Kept between compilations of one session, so that an edit traces only what it changed. */
  readonly memo?: CompileMemo;
  readonly maxLength?: number;
  /** Also give the merged weights of every layer, as taps `tap/PATH/merged/weight` and `.../bias`. */
  readonly merging?: boolean;
}

export interface CompileMemo {
  readonly texts: TraceContext['texts'];
  readonly sayings: TraceContext['sayings'];
  readonly numbers: Numbers;
  readonly traced: Map<string, TracedWires>;
  readonly library: FnLibrary;
  readonly read: ReadMemo;
}
export const newMemo = (): CompileMemo => ({
  texts: new WeakMap(),
  sayings: new WeakMap(),
  numbers: new Numbers(),
  traced: new Map(),
  library: new FnLibrary(),
  read: new WeakMap(),
});

/** A parameter of the Program and where it comes from. */
export interface EntryParameter extends Declaration {
  /** The path in the model: for weights this differs from the name, which is the place in the checkpoint. */
  readonly path: string;
  /** All paths at which a weight is used; tied weights have several. */
  readonly paths: readonly string[];
  /** Of a weight that a trainable parameter begins with and the model does not compute with. */
  readonly onlyInitial?: true;
}

/** Whether a parameter is a frozen weight that the model computes with. */
export const isFrozenWeight = (p: EntryParameter): boolean => p.role === 'weight' && p.onlyInitial !== true;

/** Whether it is a weight of the backbone, frozen or what a trainable parameter begins with; sources of banks are none. */
export const isOfBackbone = (p: EntryParameter): boolean => p.role === 'weight' && p.source?.artifact === 'backbone';

export interface LossTerm {
  readonly name: string;
  readonly coefficient: number;
}

export interface CompiledModel {
  readonly program: Program;
  readonly parameters: readonly EntryParameter[];
  readonly losses: readonly LossTerm[];
  /** Names of the model's outputs; the first is the one that predictions are read from. */
  readonly outputs: readonly string[];
  readonly taps: readonly string[];
}

export interface Compilation {
  readonly compiled?: CompiledModel;
  readonly diagnostics: readonly Diagnostic[];
}

/** What an objective may do: call the model, also with all modules off, and return losses and named outputs. */
export interface ObjectiveContext {
  /** Calls the model on the batch. `bypass: 'all'` is the backbone with the same head and weights, the teacher of distillation. */
  readonly model: (options?: { readonly bypass?: 'all' }) => ModelCall;
}
export interface ModelCall {
  readonly outputs: ReadonlyMap<string, Tensor>;
  readonly losses: readonly (readonly [string, LossWire])[];
}
export type Objective = (context: ObjectiveContext) => {
  readonly losses: readonly (readonly [string, LossWire])[];
  readonly outputs: ReadonlyMap<string, Tensor>;
};

/** The losses of the graph, as they stand. */
const graphObjective: Objective = ({ model }) => model();

/** Never throws on a mistake of the user: all diagnostics at once, and the Program when there is none that is an error. */
export function compileModel(request: CompileRequest): Compilation {
  const diagnostics: Diagnostic[] = [];
  const report = (d: Diagnostic): void => {
    if (!diagnostics.some((k) => k.code === d.code && JSON.stringify(k.where) === JSON.stringify(d.where)))
      diagnostics.push(d);
  };
  const graph = must(request.document.models[request.model], `model ${request.model}`);
  checkGraph(request, graph, '', report);
  if (diagnostics.some((d) => d.severity === 'error')) return { diagnostics };
  const memo = request.memo ?? newMemo();
  const entry = new Entry();
  const call = (bypassAll: boolean): ModelCall | undefined => {
    const traced = traceModel(request, graph, memo, bypassAll, report);
    return traced && entry.call(traced);
  };
  class ModelFailed extends Error {}
  try {
    const { losses, outputs } = (request.objective ?? graphObjective)({
      model: (options) => {
        const made = call(options?.bypass === 'all');
        if (!made) throw new ModelFailed();
        return made;
      },
    });
    checkWeights(entry.parameters, request, report);
    if (losses.length === 0 && request.training) report(messages.noLoss({ model: request.model }));
    if (diagnostics.some((d) => d.severity === 'error')) return { diagnostics };
    return { compiled: entry.finish(memo, losses, outputs, request.maxLength ?? 4096), diagnostics };
  } catch (error) {
    if (error instanceof ModelFailed) return { diagnostics };
    throw error;
  }
}

function checkGraph(request: CompileRequest, graph: Graph, path: string, report: (d: Diagnostic) => void): void {
  checkWires(
    request.registry,
    graph,
    (node, port) => ({
      model: request.model,
      node: path === '' ? node : `${path}/${node}`,
      ...(port === undefined ? {} : { port }),
    }),
    report,
  );
  for (const [id, node] of entriesOf<NodeId, Node>(graph.nodes)) {
    const where = { model: request.model, node: path === '' ? id : `${path}/${id}` };
    if (!node.stack && !request.registry.get(node.type))
      report(messages.unknownType(where, node.type, request.registry.absent?.(node.type)));
    if (node.body) checkGraph(request, node.body, where.node, report);
  }
}

interface TracedModel {
  readonly traced: Traced;
  readonly outputs: readonly string[];
  readonly losses: readonly { readonly name: string; readonly coefficient: number }[];
}

function traceModel(
  request: CompileRequest,
  graph: Graph,
  memo: CompileMemo,
  bypassAll: boolean,
  report: (d: Diagnostic) => void,
): TracedModel | undefined {
  const scopeContext = {
    training: request.training,
    merging: request.merging ?? false,
    symbols: { batch: BATCH, length: LENGTH },
    library: memo.library,
  };
  const context: TraceContext = {
    document: request.document,
    registry: request.registry,
    scope: scopeContext,
    model: request.model,
    bypassAll,
    banks: request.banks ?? new Map(),
    memo: memo.traced,
    texts: memo.texts,
    sayings: memo.sayings,
    numbers: memo.numbers,
    report,
  };
  const scope = new Scope(scopeContext);
  const done = traceGraph(context, graph, scope, new Map(), undefined, '');
  if (!done) return undefined;
  const results: [string, Tensor][] = [];
  const outputs: string[] = [];
  const losses: { name: string; coefficient: number }[] = [];
  for (const [id, node] of entriesOf<NodeId, Node>(graph.nodes)) {
    for (const [port, wires] of done.nodes.get(id) ?? []) {
      const wire = wires[0] as Wire;
      if (node.type === 'output' && wire.kind === 'tensor') {
        const name = typeof node.params['name'] === 'string' ? node.params['name'] : 'logits';
        results.push([`output/${name}`, wire.value]);
        if (node.params['main'] === false) outputs.push(name);
        else outputs.unshift(name);
      }
      const consumed = graph.edges.some((e) => e.from.node === id && e.from.port === port);
      if (wire.kind === 'loss' && !consumed) {
        const name = port === 'loss' ? id : `${id}.${port}`;
        results.push([`loss/${name}/sum`, scalarOf(wire.sum)], [`loss/${name}/weight`, weightOf(wire)]);
        losses.push({ name, coefficient: wire.coefficient });
      }
    }
  }
  const origin = { nodeType: 'Model', doc: `The model "${request.document.title}".`, args: {} };
  return { traced: scope.finish(origin, results, 0), outputs, losses };
}

/** A loss that a stack collected is one per layer: the terms add up, the weight stays that of one layer. */
const scalarOf = (x: Tensor): Tensor =>
  x.type.shape.length === 0
    ? x
    : sum(
        x,
        x.type.shape.map((_, i) => i - x.type.shape.length),
      );
const weightOf = (wire: LossWire): Tensor => {
  const layers = wire.weight.type.shape[0];
  return layers === undefined ? wire.weight : mul(sum(wire.weight, [-1]), 1 / Number(layers));
};

/** The entry function: calls of the model, the objective, and the inputs of the whole Program. */
class Entry {
  readonly #builder = new FnBuilder();
  readonly #parameters = new Map<string, EntryParameter>();
  readonly #taps = new Set<string>();
  #tapValues: { name: string; value: Tensor }[] = [];
  #calls = 0;

  get parameters(): readonly EntryParameter[] {
    return [...this.#parameters.values()];
  }

  call(model: TracedModel): ModelCall {
    const inputs = model.traced.declarations.map((d) => this.#declare(d));
    const results = this.#builder.call(model.traced.fn, this.#calls++ === 0 ? '' : `call${this.#calls}`, inputs, {
      kind: 'plain',
    });
    const byName = new Map(model.traced.fn.results.map((r, i) => [r.name, must(results[i], r.name)]));
    if (this.#calls === 1) {
      this.#tapValues = model.traced.taps.map((name) => ({ name: `tap/${name}`, value: must(byName.get(name), name) }));
      for (const t of this.#tapValues) this.#taps.add(t.name);
    }
    return {
      outputs: new Map(model.outputs.map((name) => [name, must(byName.get(`output/${name}`), name)])),
      losses: model.losses.map(({ name, coefficient }) => {
        const part = (what: string): Tensor => must(byName.get(`loss/${name}/${what}`), name);
        return [name, { kind: 'loss', sum: part('sum'), weight: part('weight'), coefficient }];
      }),
    };
  }

  #declare(d: Declaration): Tensor {
    const name = d.source ? `${d.source.artifact}:${d.source.tensor}` : d.name;
    const known = this.#builder.existingParam(name);
    if (known) {
      const before = must(this.#parameters.get(name), name);
      if (!before.paths.includes(d.name)) this.#parameters.set(name, { ...before, paths: [...before.paths, d.name] });
      if (!sameShape(known.type.shape, d.type.shape))
        throw new BugError(`${name} is used as ${printShape(known.type.shape)} and as ${printShape(d.type.shape)}`);
      return known;
    }
    this.#parameters.set(name, { ...d, name, path: d.name, paths: [d.name] });
    return this.#builder.param(name, d.role, d.type);
  }

  finish(
    { library, read }: Pick<CompileMemo, 'library' | 'read'>,
    losses: readonly (readonly [string, LossWire])[],
    outputs: ReadonlyMap<string, Tensor>,
    maxLength: number,
  ): CompiledModel {
    const results: { name: string; value: Tensor }[] = [];
    let objective: Tensor | undefined;
    for (const [name, loss] of losses) {
      results.push({ name: `loss/${name}/sum`, value: loss.sum }, { name: `loss/${name}/weight`, value: loss.weight });
      // The factor coefficient / weight of the whole optimizer step comes from outside: division happens once per step.
      const scale = this.#declare({
        name: `scale/${name}`,
        role: 'input',
        type: tensorType('f32', []),
        scope: 'model',
      });
      const term = mul(loss.sum, scale);
      objective = objective ? add(objective, term) : term;
    }
    if (objective) results.push({ name: 'objective', value: objective });
    for (const [name, value] of outputs) results.push({ name: `output/${name}`, value });
    results.push(...this.#tapValues);
    const main = this.#builder.finish('main', results);
    const functions = new Map(
      [
        ...reachable(
          library,
          main.body.map((i) => (i.kind === 'call' ? i.fn : '')),
        ),
      ].map((name) => [name, must(library.functions.get(name), name)]),
    );
    functions.set('main', main);
    const symbols: SymbolDecl[] = [
      { name: String(BATCH), min: 1, max: 65536 },
      { name: String(LENGTH), min: 1, max: maxLength },
    ];
    const program: Program = { symbols, functions, entry: 'main', policy: FP32 };
    const values = readValues(program, 'main', read);
    const unread = new Set(main.params.filter((p) => !values.has(p.id)).map((p) => p.name));
    return {
      program,
      parameters: this.parameters.map((p) =>
        p.role === 'weight' && unread.has(p.name) ? { ...p, onlyInitial: true } : p,
      ),
      losses: losses.map(([name, l]) => ({ name, coefficient: l.coefficient })),
      outputs: [...outputs.keys()],
      taps: [...this.#taps],
    };
  }
}

/** Names of the functions that are called, directly or not, callees first. */
function reachable(library: FnLibrary, roots: readonly string[]): Set<string> {
  const seen = new Set<string>();
  const visit = (name: string): void => {
    const fn = library.functions.get(name);
    if (!fn || seen.has(name)) return;
    for (const instr of fn.body) {
      if (instr.kind === 'call') {
        visit(instr.fn);
        if (instr.region.kind === 'reversible') visit(instr.region.inverse);
        if (instr.region.kind === 'customVjp') visit(instr.region.vjp);
      }
      if (instr.kind === 'repeat') {
        instr.bodies.forEach(visit);
        if (instr.region.kind === 'reversible') visit(instr.region.inverse);
      }
    }
    seen.add(name);
  };
  roots.forEach(visit);
  return seen;
}

function checkWeights(
  parameters: readonly EntryParameter[],
  request: CompileRequest,
  report: (d: Diagnostic) => void,
): void {
  if (request.training && !parameters.some((p) => p.role === 'trainable'))
    report(messages.nothingTrains({ model: request.model }));
  if (!request.weightShape) return;
  for (const p of parameters) {
    if (!p.source) continue;
    const where = { model: request.model, node: p.path, tensor: p.source.tensor };
    const has = request.weightShape(p.source);
    if (!has) report(messages.noCheckpointTensor(where));
    else if (!sameShape(has, p.type.shape))
      report(messages.weightShape(where, printShape(p.type.shape), printShape(has)));
  }
}

/** Content address of a Program: equal graphs over equal weights have equal results. */
export const programHash = (program: Program): string =>
  contentHash([
    program.symbols,
    [...program.functions].map(([name, fn]) => [name, fn.params, fn.body, fn.results, [...fn.values]]),
    program.entry,
  ]);
