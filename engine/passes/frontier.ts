/**
 * The frontier: what depends on frozen weights and one example only is computed once per example, cached, and fed to later
 * epochs. A program with its backward part is split in a `prefix`, whose results are the cached values, and a `rest`, where
 * they are inputs `cache/0`, `cache/1`, ...; the layers below have no part in the rest.
 *
 * Which values to cache is a smallest cut: a value costs its bytes, an op that the rest computes again costs its FLOPs,
 * and `flopsPerByte` is the exchange. (Nodes: each op, and each value as available in the rest. Source to op: the FLOPs of
 * computing it again. Op to value: the bytes. Value to the ops that read it, and to the sink where the rest needs it: no
 * way around.)
 */
import { evaluateDim, symbolsOf, type Dim, type SymbolBindings } from '../ir/dim.ts';
import {
  operandsOf,
  type Fn,
  type FnParam,
  type Instr,
  type OpInstr,
  type Program,
  type ValueId,
} from '../ir/program.ts';
import { byteSize, type ValueType } from '../ir/types.ts';
import { ruleOf } from '../ops/table.ts';
import { dimsOf } from '../ops/verify.ts';
import { typeIn } from '../tracing/builder.ts';
import { eliminateDeadCode, trimDifferentiated } from './dce.ts';
import { entryOf, Rewrite, withEntry, type Differentiated } from './flat.ts';
import { FlowGraph } from './minCut.ts';
import { classifyValues, isPerExample, type InputKind, type Unit, type ValueKind } from './perExample.ts';

export interface FrontierOptions {
  /** What lies along the axes of the inputs; see `inputKinds`. */
  readonly inputs: ReadonlyMap<string, InputKind>;
  /** Typical sizes, by which bytes and FLOPs are weighed. */
  readonly sizes: SymbolBindings;
  /**
   * Caching a byte must save at least so many FLOPs. 16 (the default) computes elementwise ops and norms again but no
   * product; 1000 keeps one hidden state rather than all that is computed from it.
   */
  readonly flopsPerByte?: number;
}

export interface CachedValue {
  /** Result of the prefix and input of the rest: `cache/0`. */
  readonly name: string;
  readonly unit: Unit;
  /** The axis along which the units lie. */
  readonly axis: number;
  readonly type: ValueType;
  readonly path: string | undefined;
}

export interface Frontier {
  readonly prefix: Program;
  readonly rest: Differentiated;
  readonly cached: readonly CachedValue[];
  /** Bytes of the cached values at the typical sizes. */
  readonly bytes: number;
}

/** The split, or undefined when nothing is worth caching. */
export function splitAtFrontier(d: Differentiated, options: FrontierOptions): Frontier | undefined {
  const fn = entryOf(d.program);
  const kinds = classifyValues(fn, options.inputs);
  const chosen = chooseCut(fn, kinds, options);
  if (chosen.length === 0) return undefined;
  const cached = chosen.map((id, i): CachedValue => {
    const kind = kinds.get(id);
    const info = fn.values.get(id);
    if (!isPerExample(kind) || !info) throw new TypeError(`%${id} is no value of one example`);
    return { name: `cache/${i}`, unit: kind.unit, axis: kind.axis, type: info.type, path: info.path };
  });
  return {
    prefix: prefixOf(d.program, chosen),
    rest: restOf(d, chosen, cached),
    cached,
    bytes: cached.reduce((sum, c) => sum + byteSize(c.type, options.sizes), 0),
  };
}

function chooseCut(fn: Fn, kinds: ReadonlyMap<ValueId, ValueKind>, options: FrontierOptions): ValueId[] {
  const { sizes, flopsPerByte = 16 } = options;
  const graph = new FlowGraph();
  const [source, sink] = [graph.addNode(), graph.addNode()];
  const available = new Map<ValueId, number>();
  const maker = new Map<ValueId, number>();
  const type = (id: ValueId): ValueType => (fn.values.get(id) as { type: ValueType }).type;
  const isCandidate = (instr: Instr): instr is OpInstr => instr.outputs.every((id) => isPerExample(kinds.get(id)));
  for (const instr of fn.body) {
    if (!isCandidate(instr)) {
      for (const id of operandsOf(instr)) need(graph, available.get(id), sink);
      continue;
    }
    const op = graph.addNode();
    graph.addEdge(source, op, flopsOf(instr, type, sizes));
    for (const id of instr.inputs) {
      const from = available.get(id);
      if (from !== undefined) graph.addEdge(from, op, Infinity);
    }
    for (const id of instr.outputs) {
      const node = graph.addNode();
      graph.addEdge(op, node, Math.ceil(byteSize(type(id), sizes) * flopsPerByte));
      available.set(id, node);
      maker.set(id, op);
    }
  }
  for (const r of fn.results) need(graph, available.get(r.id), sink);
  const inRest = graph.minCut(source, sink);
  return [...available].flatMap(([id, node]) => (inRest(node) && !inRest(maker.get(id) as number) ? [id] : []));
}

function need(graph: FlowGraph, node: number | undefined, sink: number): void {
  if (node !== undefined) graph.addEdge(node, sink, Infinity);
}

const flopsOf = (instr: OpInstr, type: (id: ValueId) => ValueType, sizes: SymbolBindings): number =>
  evaluateDim(ruleOf(instr.op).flops(instr.attrs, instr.inputs.map(type), instr.outputs.map(type)), sizes);

function prefixOf(program: Program, chosen: readonly ValueId[]): Program {
  const { regions: _none, ...fn } = entryOf(program);
  const results = chosen.map((id, i) => ({ name: `cache/${i}`, id }));
  return withoutUnread(eliminateDeadCode(withEntry(program, { ...fn, body: untagged(fn.body), results })), fn);
}

const untagged = (body: readonly Instr[]): Instr[] =>
  body.map((instr) => {
    if (instr.kind !== 'op') return instr;
    const { region: _tag, ...rest } = instr;
    return rest;
  });

function restOf(d: Differentiated, chosen: readonly ValueId[], cached: readonly CachedValue[]): Differentiated {
  const rewrite = new Rewrite(d.program);
  chosen.forEach((id, i) => {
    const { name, type } = cached[i] as CachedValue;
    rewrite.replace(id, rewrite.builder.param(name, 'input', type));
  });
  for (const instr of rewrite.fn.body) rewrite.keep(instr);
  const program = withEntry(d.program, rewrite.finish());
  const cotangents = new Map([...d.cotangents].map(([id, c]) => [rewrite.resolve(id), rewrite.resolve(c)]));
  const rest = trimDifferentiated({ ...d, program, cotangents });
  return { ...rest, program: withoutUnread(rest.program, rewrite.fn) };
}

/**
 * The program without inputs and weights that only the removed part of the original read. An input stays when it alone
 * tells the size of a symbol that the program still uses.
 */
function withoutUnread(program: Program, original: Fn): Program {
  const fn = entryOf(program);
  const read = (f: Fn): Set<ValueId> => new Set([...f.body.flatMap(operandsOf), ...f.results.map((r) => r.id)]);
  const [before, after] = [read(original), read(fn)];
  const isUnread = (p: FnParam): boolean => p.role !== 'trainable' && before.has(p.id) && !after.has(p.id);
  const told = new Set(fn.params.filter((p) => !isUnread(p)).flatMap((p) => typeIn(fn, p.id).shape));
  const used = usedSymbols(fn);
  const goes = new Set<ValueId>();
  for (const p of fn.params.filter(isUnread)) {
    const needed = typeIn(fn, p.id).shape.filter((d) => used.has(String(d)) && !told.has(d));
    if (needed.length === 0) goes.add(p.id);
    for (const d of needed) told.add(d);
  }
  const params = fn.params.filter((p) => !goes.has(p.id));
  const values = new Map([...fn.values].filter(([id]) => !goes.has(id)));
  const regions = fn.regions?.map((r) => ({ ...r, inputs: r.inputs.filter((id) => !goes.has(id)) }));
  return withEntry(program, { ...fn, params, values, ...(regions ? { regions } : {}) });
}

function usedSymbols(fn: Fn): ReadonlySet<string> {
  const dims = fn.body.flatMap((instr): readonly Dim[] => {
    const shapes = instr.outputs.flatMap((id) => typeIn(fn, id).shape);
    return instr.kind === 'op' ? [...shapes, ...dimsOf(instr)] : shapes;
  });
  return new Set(dims.flatMap((d) => [...symbolsOf(d)]));
}
