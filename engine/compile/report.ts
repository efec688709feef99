/**
 * What a compiled model costs, node by node and in whole: shapes, parameters, FLOPs, bytes kept for the backward pass, the
 * table of trainable parameters, and the predicted peak of memory. Everything follows from the Program and the sizes of a
 * batch; nothing is run. Layers of a stack are one row, with `*` for the layer.
 */
import { must } from '../base/errors.ts';
import { evaluateDim, type SymbolBindings } from '../ir/dim.ts';
import { operandsOf, type Fn, type Instr, type OpInstr, type Program, type ValueId } from '../ir/program.ts';
import { byteSize, elementsOf, printShape, printType, type ValueType } from '../ir/types.ts';
import { ruleOf } from '../ops/table.ts';
import { inlineProgram } from '../passes/inline.ts';
import type { MemoryPeak } from '../passes/liveness.ts';
import { isFrozenWeight, isOfBackbone, type CompiledModel, type EntryParameter } from './model.ts';

/** Examples, tokens of the longest one with padding, real tokens of all. */
export interface BatchSizes {
  readonly batch: number;
  readonly length: number;
  readonly tokens: number;
}

export interface NodeCost {
  /** The path, with `*` for the layer. */
  readonly node: string;
  /** In how many layers it is built. */
  readonly copies: number;
  /** What it gives, in symbols: `f32[B,T,384]`. */
  readonly output: string;
  readonly frozen: number;
  readonly trainable: number;
  /** Of the forward pass, all layers together. */
  readonly flops: number;
  /** Values that the backward pass reads, all layers together. */
  readonly keptBytes: number;
}

export interface TrainableRow {
  readonly name: string;
  readonly shape: string;
  readonly count: number;
  readonly decay: boolean;
}

export interface ModelReport {
  readonly sizes: BatchSizes;
  readonly nodes: readonly NodeCost[];
  readonly trainable: readonly TrainableRow[];
  readonly totals: {
    /** Frozen weights and trainable parameters: what the model computes with. */
    readonly parameters: number;
    /** Of the backbone, those included whose place a trainable parameter takes. */
    readonly backbone: number;
    readonly trainable: number;
    /** Frozen weights, mapped from their files. */
    readonly weightBytes: number;
    /** Trainable parameters with gradients, moments, and what an optimizer step needs beside them. */
    readonly trainingBytes: number;
    readonly forwardFlops: number;
    /** One training step, forward and backward. */
    readonly stepFlops: number;
    readonly keptBytes: number;
    /** Most bytes of computed values at one time in a training step. */
    readonly peakBytes: number;
    /** Of the runtime itself, whatever the model. */
    readonly runtimeBytes: number;
    /** Of a whole run, above a process that has loaded nothing: weights, training, values, runtime. */
    readonly predictedBytes: number;
  };
  /** Where the peak is. */
  readonly peakAt: string;
}

/** The Programs that a report reads: the training step as it will be lowered, and where its backward part begins. */
export interface TrainingStep {
  readonly program: Program;
  readonly backwardStart: number;
  readonly peak: MemoryPeak;
  /** Of the optimizer: parameters, gradients, moments, and what its step makes. */
  readonly optimizerBytes: number;
  readonly runtimeBytes: number;
}

const bindingsOf = (sizes: BatchSizes): SymbolBindings =>
  new Map([
    ['B', sizes.batch],
    ['T', sizes.length],
    ['N', sizes.tokens],
  ]);

/** The costs of a model. Without a training step only the forward pass is counted. */
export function reportModel(compiled: CompiledModel, sizes: BatchSizes, step?: TrainingStep): ModelReport {
  const bindings = bindingsOf(sizes);
  const table = new CostTable(bindings);
  const forward = entryOf(inlineProgram(compiled.program));
  for (const instr of forward.body) table.add(forward, instr);
  for (const p of compiled.parameters) if (p.onlyInitial !== true) table.addParameter(p.path, p.type, p.role);
  const kept = step ? keptValues(entryOf(step.program), step.backwardStart) : new Map<ValueId, string>();
  let keptBytes = 0;
  for (const [id, path] of kept) {
    const bytes = byteSize(must(entryOf((step as TrainingStep).program).values.get(id), `%${id}`).type, bindings);
    keptBytes += bytes;
    table.addKept(path, bytes);
  }
  const count = (counted: (p: EntryParameter) => boolean): number =>
    compiled.parameters.reduce((n, p) => (counted(p) ? n + sizeOf(p.type, bindings) : n), 0);
  const trainable = count((p) => p.role === 'trainable');
  const frozen = count(isFrozenWeight);
  const forwardFlops = flopsOf(forward, bindings);
  const weightBytes = 4 * frozen;
  const { optimizerBytes = 0, runtimeBytes = 0, peak = undefined } = step ?? {};
  const peakBytes = peak?.bytes ?? 0;
  return {
    sizes,
    nodes: table.rows(),
    trainable: compiled.parameters
      .filter((p) => p.role === 'trainable')
      .map((p) => ({
        name: p.name,
        shape: printShape(p.type.shape),
        count: sizeOf(p.type, bindings),
        decay: p.decay === true,
      })),
    totals: {
      parameters: frozen + trainable,
      backbone: count(isOfBackbone),
      trainable,
      weightBytes,
      trainingBytes: optimizerBytes,
      forwardFlops,
      stepFlops: step ? flopsOf(entryOf(step.program), bindings) : 0,
      keptBytes,
      peakBytes,
      runtimeBytes,
      predictedBytes: weightBytes + optimizerBytes + peakBytes + runtimeBytes,
    },
    peakAt: peak?.at?.path ?? '',
  };
}

const entryOf = (program: Program): Fn => must(program.functions.get(program.entry), 'the entry exists');

const sizeOf = (type: ValueType, bindings: SymbolBindings): number => evaluateDim(elementsOf(type), bindings);

/** FLOPs of all ops of a flat function. */
export function flopsOf(fn: Fn, bindings: SymbolBindings): number {
  return fn.body.reduce((n, instr) => n + (instr.kind === 'op' ? flopsOfOp(fn, instr, bindings) : 0), 0);
}

function flopsOfOp(fn: Fn, instr: OpInstr, bindings: SymbolBindings): number {
  const types = (ids: readonly ValueId[]): ValueType[] => ids.map((id) => must(fn.values.get(id), `%${id}`).type);
  return evaluateDim(ruleOf(instr.op).flops(instr.attrs, types(instr.inputs), types(instr.outputs)), bindings);
}

/** Values of the forward part that the backward part reads, with their paths. */
function keptValues(fn: Fn, backwardStart: number): Map<ValueId, string> {
  const made = new Map<ValueId, string>();
  for (const instr of fn.body.slice(0, backwardStart)) {
    for (const id of instr.outputs) made.set(id, fn.values.get(id)?.path ?? '');
  }
  const kept = new Map<ValueId, string>();
  for (const instr of fn.body.slice(backwardStart)) {
    for (const id of operandsOf(instr)) {
      const path = made.get(id);
      if (path !== undefined) kept.set(id, path);
    }
  }
  return kept;
}

/** Layer numbers become `*`: an id never begins with a digit, so a number in a path is a layer. */
export const withoutLayer = (path: string): string => path.replace(/(^|\/)\d+(?=\/|$)/g, '$1*').replace(/\/$/, '');

interface Row {
  readonly copies: Set<string>;
  output: string;
  frozen: number;
  trainable: number;
  flops: number;
  kept: number;
}

/** Rows by node, in the order in which nodes are built. */
class CostTable {
  readonly #rows = new Map<string, Row>();
  readonly #bindings: SymbolBindings;

  constructor(bindings: SymbolBindings) {
    this.#bindings = bindings;
  }

  add(fn: Fn, instr: Instr): void {
    const last = must(fn.values.get(must(instr.outputs[0], 'an output')), 'output');
    if (last.path === undefined || last.path === '') return;
    const row = this.#row(last.path);
    row.copies.add(last.path);
    row.output = printType(last.type);
    if (instr.kind === 'op') row.flops += flopsOfOp(fn, instr, this.#bindings);
  }

  addParameter(path: string, type: ValueType, role: string): void {
    if (role !== 'weight' && role !== 'trainable') return;
    const row = this.#owner(path);
    row[role === 'weight' ? 'frozen' : 'trainable'] += sizeOf(type, this.#bindings);
  }

  addKept(path: string, bytes: number): void {
    if (path !== '') this.#row(path).kept += bytes;
  }

  /** The node that a parameter belongs to: the longest path of a node that its own begins with. */
  #owner(path: string): Row {
    const parts = withoutLayer(path).split('/');
    for (let n = parts.length - 1; n > 0; n--) {
      const row = this.#rows.get(parts.slice(0, n).join('/'));
      if (row) return row;
    }
    return this.#row(path.split('/').slice(0, -1).join('/'));
  }

  #row(path: string): Row {
    const key = withoutLayer(path);
    const known = this.#rows.get(key);
    if (known) return known;
    const made: Row = { copies: new Set<string>(), output: '', frozen: 0, trainable: 0, flops: 0, kept: 0 };
    this.#rows.set(key, made);
    return made;
  }

  rows(): NodeCost[] {
    return [...this.#rows].map(([node, r]) => ({
      node,
      copies: r.copies.size,
      output: r.output,
      frozen: r.frozen,
      trainable: r.trainable,
      flops: r.flops,
      keptBytes: r.kept,
    }));
  }
}
