/**
 * The part of the sandbox that runs inside the virtual machine, beside the foreign source: it loads the node, describes it
 * and traces it. It answers in text. Nothing here is a safeguard, because the foreign source can change all of it; what
 * holds is the machine's border and the host's distrust of the answer.
 */
import { parseAttrs, printAttrs } from '../../ir/attrsText.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { parseType } from '../../ir/types.ts';
import type { AnyNode, BuildInputs } from '../../nodekit/node.ts';
import type { LinearOperator, Transform } from '../../nodekit/operator.ts';
import { FnLibrary, Scope } from '../../nodekit/scope.ts';
import { tensorsOf, withTensors, type DataWire, type TransformWire, type Wire } from '../../nodekit/wires.ts';
import type { VmRequest, WireText } from '../wireText.ts';
import * as api from './api.ts';
import { dimOf, outsideOperator } from './baseOperator.ts';
import { programText } from './programText.ts';

type Load = (exports: Record<string, unknown>, require: (name: string) => unknown) => void;
type NodeRequest = Exclude<VmRequest, { readonly method: 'describe' }>;

const ORIGIN = { nodeType: 'custom', doc: '', args: {} };

/** Runs the compiled source and gives its node. */
function nodeOf(load: Load): AnyNode {
  const exports: Record<string, unknown> = {};
  load(exports, (name) => {
    if (name === 'espalier') return api;
    throw new Error(`A custom node imports "espalier" only, not "${name}".`);
  });
  const { node } = exports;
  if (typeof node !== 'object' || node === null)
    throw new Error('The source exports no node. Write "export const node = defineNode({ ... })".');
  return node as AnyNode;
}

function describe(node: AnyNode): unknown {
  if (typeof node.build !== 'function') throw new Error('The node has no function "build".');
  const { type, version, docs, inputs, outputs, params, bypass, peft, inline, bank } = node;
  const asSource = typeof node.asSource === 'function';
  return { type, version, docs, inputs, outputs, params, bypass, peft, inline, bank, asSource };
}

function newScope(request: NodeRequest): Scope {
  return new Scope({
    training: request.training,
    merging: request.merging,
    symbols: { batch: dimOf(request.batch), length: dimOf(request.length) },
    library: new FnLibrary(),
  });
}

/** A wire of new inputs of the function under construction, with the types of `text`. */
function inputWire(scope: Scope, text: WireText, name: string): DataWire {
  const shape = wireShape(text);
  const tensors = tensorsOf(shape).map(([part], i) =>
    scope.builder.param(part === '' ? name : `${name}.${part}`, 'input', parseType(text.types[i] ?? '')),
  );
  return withTensors(shape, tensors);
}

/** A wire of the kind without its tensors. */
function wireShape(text: WireText): DataWire {
  const none = undefined as unknown as Tensor;
  switch (text.kind) {
    case 'tensor':
      return { kind: 'tensor', value: none };
    case 'sources':
      return { kind: 'sources', names: text.names ?? [], values: text.types.map(() => none) };
    case 'tokens':
      return { kind: 'tokens', ids: none, typeIds: none, positions: none, lengths: none };
    case 'affine':
      return { kind: 'affine', gamma: none, beta: none, epsilon: text.epsilon ?? 0 };
    case 'kv':
      return { kind: 'kv', keys: none, values: none };
    case 'loss':
      return { kind: 'loss', sum: none, weight: none, coefficient: text.coefficient ?? 1 };
  }
}

function readInputs(inputs: ReadonlyMap<string, readonly Wire[]>): BuildInputs {
  const first = <K extends Wire['kind']>(port: string, kind: K): Extract<Wire, { kind: K }> | undefined => {
    const wire = inputs.get(port)?.[0];
    return wire?.kind === kind ? (wire as Extract<Wire, { kind: K }>) : undefined;
  };
  const need = <K extends Wire['kind']>(port: string, kind: K): Extract<Wire, { kind: K }> => {
    const wire = first(port, kind);
    if (!wire) throw new Error(`The input "${port}" carries no ${kind}.`);
    return wire;
  };
  const all = (port: string): readonly Wire[] => inputs.get(port) ?? [];
  return {
    tensor: (port) => need(port, 'tensor').value,
    optionalTensor: (port) => first(port, 'tensor')?.value,
    tensors: (port) =>
      all(port).flatMap((w) => (w.kind === 'tensor' ? [w.value] : w.kind === 'sources' ? w.values : [])),
    tokens: (port) => need(port, 'tokens'),
    affine: (port) => need(port, 'affine'),
    optionalAffine: (port) => first(port, 'affine'),
    optionalKv: (port) => first(port, 'kv'),
    losses: (port) => all(port).filter((w) => w.kind === 'loss'),
    transforms: () => [],
  };
}

function runBuild(node: AnyNode, scope: Scope, request: NodeRequest, inputs: ReadonlyMap<string, readonly Wire[]>) {
  return node.build({
    scope,
    inputs: readInputs(inputs),
    params: request.params,
    id: request.id,
    bank: [],
    definition: () => undefined,
  } as Parameters<AnyNode['build']>[0]);
}

function build(node: AnyNode, request: NodeRequest & { readonly method: 'build' }): unknown {
  const scope = newScope(request);
  const inputs = new Map<string, readonly Wire[]>();
  let wires = 0;
  for (const [port, texts] of request.inputs) {
    inputs.set(
      port,
      texts.map((text, i) => inputWire(scope, text, texts.length > 1 ? `${port}${i}` : port)),
    );
    wires += texts.reduce((n, t) => n + t.types.length, 0);
  }
  const results: [string, Tensor][] = [];
  const outputs = Object.entries(runBuild(node, scope, request, inputs)).map(([port, wire]) => {
    if (wire.kind === 'transform')
      return [port, { kind: 'transform', class: wire.transform.class, delta: wire.transform.delta !== undefined }];
    const tensors = tensorsOf(wire);
    for (const [part, t] of tensors) results.push([part === '' ? port : `${port}.${part}`, t]);
    const constants =
      wire.kind === 'affine'
        ? { epsilon: wire.epsilon }
        : wire.kind === 'loss'
          ? { coefficient: wire.coefficient }
          : wire.kind === 'sources'
            ? { names: wire.names }
            : {};
    return [port, { kind: wire.kind, count: tensors.length, ...constants }];
  });
  return { outputs, ...programText(scope.finish(ORIGIN, results, wires), scope.context.library) };
}

function transformOf(node: AnyNode, scope: Scope, request: NodeRequest & { readonly port: string }): Transform {
  const wire = runBuild(node, scope, request, new Map())[request.port];
  if (wire?.kind !== 'transform') throw new Error(`The output "${request.port}" is not a transform.`);
  return (wire satisfies TransformWire).transform;
}

/** One part of the operator that a transform makes: what it computes of one tensor. */
function operator(node: AnyNode, request: NodeRequest & { readonly method: 'operator' }): unknown {
  const scope = newScope(request);
  const x = request.x === undefined ? [] : [scope.builder.param('x', 'input', parseType(request.x))];
  const base = outsideOperator(scope.builder, request.base);
  const made: LinearOperator = transformOf(node, scope, request).wrap(scope, base);
  const result = request.part === 'bias' ? made.bias : made[request.part](x[0] as Tensor);
  const results: (readonly [string, Tensor])[] = result === undefined ? [] : [['y', result]];
  return programText(scope.finish(ORIGIN, results, x.length), scope.context.library);
}

function single(request: NodeRequest & { readonly x: string }, make: (scope: Scope, x: Tensor) => Tensor): unknown {
  const scope = newScope(request);
  const x = scope.builder.param('x', 'input', parseType(request.x));
  return programText(scope.finish(ORIGIN, [['y', make(scope, x)]], 1), scope.context.library);
}

function answer(load: Load, request: VmRequest): unknown {
  const node = nodeOf(load);
  switch (request.method) {
    case 'describe':
      return describe(node);
    case 'build':
      return build(node, request);
    case 'operator':
      return operator(node, request);
    case 'delta':
      return single(request, (scope, x) => {
        const { delta } = transformOf(node, scope, request);
        if (!delta) throw new Error('The transform has no added term.');
        return delta(scope, x, dimOf(request.outFeatures));
      });
    case 'asSource':
      return single(request, (scope, x) => {
        if (!node.asSource) throw new Error('The node is no source.');
        return node.asSource(scope, x, request.params as Parameters<NonNullable<AnyNode['asSource']>>[2]);
      });
  }
}

const words = (x: unknown): string => (typeof x === 'string' ? x : '');

function failure(error: unknown): unknown {
  if (typeof error !== 'object' || error === null) return { message: String(error), stack: '', name: 'Error' };
  const { message, stack, name, fix } = error as Readonly<Record<string, unknown>>;
  return { message: words(message), stack: words(stack), name: words(name), fix: words(fix) };
}

/** The one entry: text in, text out. */
(globalThis as { espalierAnswer?: (load: Load, request: string) => string }).espalierAnswer = (load, request) => {
  try {
    return printAttrs({ ok: answer(load, parseAttrs(request) as VmRequest) });
  } catch (error) {
    return printAttrs({ error: failure(error) });
  }
};
