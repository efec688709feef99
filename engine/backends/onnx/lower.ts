/** A flat Program as an ONNX graph, with what the host has to feed it. */
import { BugError, must } from '../../base/errors.ts';
import type { OpName } from '../../ir/opAttrs.ts';
import type { OpInstr, Program, ValueId } from '../../ir/program.ts';
import { printType, type ValueType } from '../../ir/types.ts';
import { fuse } from './fuse.ts';
import { GraphWriter } from './graph.ts';
import { HostInputs, symbolic, type MakeTensor } from './hostInputs.ts';
import { knownToHost, sliceForHost, type HostProgram } from './hostValues.ts';
import { full, type LowerContext, type Lowering, type Site } from './lowering.ts';
import type { NoiseInput } from './noise.ts';
import { graphInputs, prepare, type Prepared } from './prepare.ts';
import type { OnnxGraph } from './proto.ts';
import { COMPOSED, LOWERINGS } from './table.ts';
import { isPlain, plain, settle, type Lowered } from './values.ts';

/** A parameter of the Program and its name in the graph. */
export interface BoundParam {
  readonly name: string;
  readonly type: ValueType;
  /** Absent when the graph doesn't read it. */
  readonly onnx?: string;
}

export interface LoweredProgram {
  readonly graph: OnnxGraph;
  /** What a run is given by the caller. */
  readonly feeds: readonly BoundParam[];
  /** Frozen weights that the graph reads; their bytes are bound by `weights.ts`. */
  readonly weights: readonly Required<BoundParam>[];
  readonly results: readonly Required<BoundParam>[];
  readonly hostInputs: ReadonlyMap<string, MakeTensor>;
  readonly noise: readonly NoiseInput[];
  readonly hostProgram: HostProgram;
}

export function lowerProgram(program: Program): LoweredProgram {
  const prepared = prepare(program, COMPOSED);
  const { fn } = prepared;
  const graph = new GraphWriter();
  const host = new HostInputs(graph, knownToHost(fn));
  const values = new Map<ValueId, Lowered>();
  const type = (id: ValueId): ValueType => must(fn.values.get(id), `%${id} of ${fn.name}`).type;
  const bound = fn.params.map((p) => {
    const onnx = `${p.role}/${p.name}`;
    values.set(p.id, plain(onnx, type(p.id)));
    if (p.role !== 'weight') graph.input(onnx, type(p.id).dtype, symbolic(type(p.id).shape));
    return { name: p.name, type: type(p.id), onnx, role: p.role };
  });
  const context: LowerContext = { graph, host };
  lowerBody(context, prepared, values, type);
  graph.setLabel('result');
  const results = fn.results.map((r) => {
    const value = full(context, must(values.get(r.id), `result "${r.name}"`));
    return { name: r.name, type: type(r.id), onnx: graph.output(value) };
  });
  const finished = graph.finish(
    fn.name,
    results.map((r) => ({ name: r.onnx, type: r.type.dtype })),
  );
  const inputs = finished.inputs.map((x) => x.name);
  const read = new Set([...inputs, ...finished.nodes.flatMap((n) => n.inputs)]);
  return {
    graph: finished,
    feeds: bound
      .filter((b) => b.role !== 'weight')
      .map(({ name, type: t, onnx }) => ({ name, type: t, ...(read.has(onnx) ? { onnx } : {}) })),
    weights: bound.filter((b) => b.role === 'weight' && read.has(b.onnx)),
    results,
    hostInputs: host.makersOf(inputs),
    noise: host.noiseOf(inputs),
    hostProgram: sliceForHost(fn, new Set([...prepared.hostValues, ...host.wanted])),
  };
}

function lowerBody(
  c: LowerContext,
  prepared: Prepared,
  values: Map<ValueId, Lowered>,
  type: (id: ValueId) => ValueType,
): void {
  const { fn, uses } = prepared;
  const { body, derivatives } = fuse(prepared);
  const readers = readersOf(body);
  for (const instr of body) {
    const first = instr.outputs[0] as ValueId;
    c.graph.setLabel(fn.values.get(first)?.path ?? '');
    const inputs = graphInputs(instr).map((id) => must(values.get(id), `%${id}`));
    const derivative = derivatives.get(first);
    const outputs = lowerOne(c, instr, inputs, {
      outputTypes: instr.outputs.map(type),
      uses: instr.outputs.map((id) => uses.get(id) ?? 0),
      ...(derivative === undefined ? {} : { derivative: must(values.get(derivative), `%${derivative}`) }),
    });
    instr.outputs.forEach((id, i) => {
      const value = must(outputs[i], `output ${i} of ${instr.op}`);
      values.set(id, isShared(id, value, uses, readers) ? settle(c.graph, value) : value);
    });
  }
}

function lowerOne(
  c: LowerContext,
  instr: OpInstr,
  inputs: readonly Lowered[],
  rest: Pick<Site, 'outputTypes' | 'uses' | 'derivative'>,
): readonly Lowered[] {
  const lowering = LOWERINGS[instr.op] as Lowering<OpName> | 'decompose';
  if (lowering === 'decompose') throw new BugError(`${instr.op} should have been decomposed`);
  for (const t of rest.outputTypes) {
    if (t.dtype === 'f16' || t.dtype === 'bf16')
      throw new BugError(`onnx: ${instr.op} gives ${printType(t)}; this device computes in f32 only`);
  }
  return lowering(c, { op: instr.op, attrs: instr.attrs, inputIds: instr.inputs, ...rest }, inputs);
}

function readersOf(body: readonly OpInstr[]): ReadonlyMap<ValueId, ReadonlySet<OpName>> {
  const readers = new Map<ValueId, Set<OpName>>();
  for (const instr of body) {
    for (const id of instr.inputs) readers.set(id, (readers.get(id) ?? new Set<OpName>()).add(instr.op));
  }
  return readers;
}

/** A factor that several readers would each apply is applied once, unless they are products, which apply it for free. */
function isShared(
  id: ValueId,
  value: Lowered,
  uses: ReadonlyMap<ValueId, number>,
  readers: ReadonlyMap<ValueId, ReadonlySet<OpName>>,
): boolean {
  if (isPlain(value) || value.factor === 0 || (uses.get(id) ?? 0) < 2) return false;
  return value.offset !== 0 || [...(readers.get(id) ?? [])].some((op) => op !== 'matmul');
}
