/** A custom node tried without a document: traced on wires of usual shapes, so that the person sees what it makes. */
import { evaluateDim } from '../ir/dim.ts';
import { printFn } from '../ir/print.ts';
import { elementsOf, printShape, printType, tensorType } from '../ir/types.ts';
import { symbol } from '../ir/dim.ts';
import type { Tensor } from '../ir/tensor.ts';
import type { AnyNode, BuildInputs, PortSpec } from '../nodekit/node.ts';
import { baseOperator, Unsupported } from '../nodekit/operator.ts';
import type { ParamSpecs, ParamValue, ParamValues } from '../nodekit/params.ts';
import { NodeRefused } from '../nodekit/refused.ts';
import { FnLibrary, Scope } from '../nodekit/scope.ts';
import { tensorsOf, type Wire } from '../nodekit/wires.ts';
import { ShapeError } from '../ops/rule.ts';
import { fail, ok, type Result } from '../base/result.ts';
import type { Diagnostic } from '../base/errors.ts';
import type { CustomNode, CustomTrial } from '../protocol/api/custom.ts';
import type { CustomNodes } from './customNodes.ts';
import * as messages from './messages.ts';
import { nodeInfo } from './nodeInfo.ts';

const BATCH = symbol('B');
const LENGTH = symbol('T');
/** The width of the wires of a trial: that of the model that ships with the app. */
export const TRIAL_WIDTH = 384;

/** Compiles and tries a source; everything that is wrong with it stands in the diagnostics. */
export function trySource(
  custom: CustomNodes,
  name: string,
  source: string,
  params: Readonly<Record<string, ParamValue>>,
): Pick<CustomNode, 'info' | 'trial' | 'diagnostics'> {
  const inWords = (problems: readonly messages.NodeProblem[]): readonly Diagnostic[] =>
    problems.map((p) => messages.diagnosticOf(`${name}.ts`, p));
  const loaded = custom.load(name, source);
  if (!loaded.ok) return { diagnostics: inWords(loaded.error) };
  const info = nodeInfo(loaded.value);
  const tried = tryNode(loaded.value, params);
  return tried.ok ? { info, trial: tried.value, diagnostics: [] } : { info, diagnostics: inWords(tried.error) };
}

/** Builds the node on sample wires, while training, with the default parameters unless others are given. */
export function tryNode(
  node: AnyNode,
  params: Readonly<Record<string, ParamValue>> = {},
): Result<CustomTrial, readonly messages.NodeProblem[]> {
  const library = new FnLibrary();
  const scope = new Scope({ training: true, symbols: { batch: BATCH, length: LENGTH }, library });
  const samples = new Map(Object.entries(node.inputs).map(([port, spec]) => [port, sampleWires(scope, port, spec)]));
  const wires = [...samples.values()]
    .flat()
    .reduce((n, w) => n + (w.kind === 'transform' ? 0 : tensorsOf(w).length), 0);
  const defaults = Object.fromEntries(Object.entries(node.params).map(([name, spec]) => [name, spec.default]));
  try {
    const outputs = Object.entries(
      node.build({
        scope,
        inputs: inputsOf(samples),
        params: { ...defaults, ...params } as ParamValues<ParamSpecs>,
        id: 'node',
        bank: [],
        definition: () => undefined,
      }),
    );
    const results = outputs.flatMap(([port, wire]) => resultsOf(scope, port, wire));
    const traced = scope.finish({ nodeType: node.type, doc: node.docs.help, args: {} }, results, wires);
    const functions = [...library.functions.values()];
    return ok({
      inputs: Object.fromEntries([...samples].map(([port, list]) => [port, list.map(typeText).join(', ')])),
      outputs: Object.fromEntries(outputs.map(([port, wire]) => [port, typeText(wire)])),
      parameters: traced.declarations
        .filter((d) => d.role === 'trainable' || d.role === 'weight')
        .filter((d) => !d.name.startsWith('sample/'))
        .map((d) => ({
          name: d.name,
          shape: printShape(d.type.shape),
          count: evaluateDim(elementsOf(d.type), new Map()),
          trainable: d.role === 'trainable',
        })),
      instructions: functions.reduce((n, fn) => n + fn.body.length, 0),
      program: functions.map((fn) => printFn(fn).join('\n')).join('\n\n'),
    });
  } catch (error) {
    if (error instanceof NodeRefused)
      return fail([
        {
          code: error.code,
          message: error.message,
          fix: error.fix,
          ...(error.line === undefined ? {} : { line: error.line }),
        },
      ]);
    if (error instanceof ShapeError) return fail([messages.failed(`${error.message}.`, error.fix, undefined)]);
    if (error instanceof Unsupported) return fail([messages.failed(`${error.message}.`, undefined, undefined)]);
    throw error;
  }
}

function sampleWires(scope: Scope, port: string, spec: PortSpec): readonly Wire[] {
  const input = (name: string, dtype: 'f32' | 'i32', shape: readonly (number | typeof BATCH)[]): Tensor =>
    scope.builder.param(`${port}${name}`, 'input', tensorType(dtype, shape));
  const hidden = (name: string): Tensor => input(name, 'f32', [BATCH, LENGTH, TRIAL_WIDTH]);
  switch (spec.kind) {
    case 'tensor':
      return (spec.many === true ? ['0', '1'] : ['']).map((name) => ({ kind: 'tensor', value: hidden(name) }));
    case 'sources':
      return ['a', 'b', 'c'].map((name) => ({ kind: 'tensor', value: hidden(`.${name}`) }));
    case 'tokens':
      return [
        {
          kind: 'tokens',
          ids: input('.ids', 'i32', [BATCH, LENGTH]),
          typeIds: input('.typeIds', 'i32', [BATCH, LENGTH]),
          positions: input('.positions', 'i32', [BATCH, LENGTH]),
          lengths: input('.lengths', 'i32', [BATCH]),
        },
      ];
    case 'affine':
      return [
        {
          kind: 'affine',
          gamma: input('.gamma', 'f32', [TRIAL_WIDTH]),
          beta: input('.beta', 'f32', [TRIAL_WIDTH]),
          epsilon: 1e-12,
        },
      ];
    case 'kv':
      return [
        {
          kind: 'kv',
          keys: input('.keys', 'f32', [BATCH, 10, TRIAL_WIDTH]),
          values: input('.values', 'f32', [BATCH, 10, TRIAL_WIDTH]),
        },
      ];
    case 'loss':
      return [{ kind: 'loss', sum: input('.sum', 'f32', []), weight: input('.weight', 'f32', []), coefficient: 1 }];
    case 'transform':
      return [];
  }
}

function inputsOf(samples: ReadonlyMap<string, readonly Wire[]>): BuildInputs {
  const at = <K extends Wire['kind']>(port: string, kind: K): Extract<Wire, { kind: K }>[] =>
    (samples.get(port) ?? []).filter((w): w is Extract<Wire, { kind: K }> => w.kind === kind);
  const first = <K extends Wire['kind']>(port: string, kind: K): Extract<Wire, { kind: K }> => {
    const wire = at(port, kind)[0];
    if (!wire)
      throw new NodeRefused('custom-node-failed', `There is no ${kind} at "${port}".`, 'Name a port of the node.');
    return wire;
  };
  return {
    tensor: (port) => first(port, 'tensor').value,
    optionalTensor: (port) => at(port, 'tensor')[0]?.value,
    tensors: (port) => at(port, 'tensor').map((w) => w.value),
    tokens: (port) => first(port, 'tokens'),
    affine: (port) => first(port, 'affine'),
    optionalAffine: (port) => at(port, 'affine')[0],
    optionalKv: (port) => at(port, 'kv')[0],
    losses: (port) => at(port, 'loss'),
    transforms: () => [],
  };
}

/** The tensors of an output; a transform is put on a square linear layer and applied. */
function resultsOf(scope: Scope, port: string, wire: Wire): (readonly [string, Tensor])[] {
  if (wire.kind !== 'transform')
    return tensorsOf(wire).map(([name, t]) => [name === '' ? port : `${port}.${name}`, t] as const);
  const square = [TRIAL_WIDTH, TRIAL_WIDTH];
  const sample = scope.inside('sample');
  const base = baseOperator(
    sample.weight('weight', square, { artifact: 'backbone', tensor: 'weight' }),
    sample.weight('bias', [TRIAL_WIDTH], { artifact: 'backbone', tensor: 'bias' }),
    'linear',
  );
  const x = sample.weight('x', [1, TRIAL_WIDTH], { artifact: 'backbone', tensor: 'x' });
  return [[port, wire.transform.wrap(scope, base).apply(x)]];
}

function typeText(wire: Wire): string {
  if (wire.kind === 'transform') return `transform of a linear layer (${wire.transform.class})`;
  const types = tensorsOf(wire).map(([name, t]) => `${name === '' ? '' : `${name} `}${printType(t.type)}`);
  return wire.kind === 'tensor' ? types.join('') : `${wire.kind}: ${types.join(', ')}`;
}
