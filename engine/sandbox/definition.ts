/** The host's definition of a custom node: what the node says of itself, and a `build` that asks the virtual machine. */
import { must } from '../base/errors.ts';
import type { Tensor } from '../ir/tensor.ts';
import { printType } from '../ir/types.ts';
import type { AnyNode, BuildContext, Ports } from '../nodekit/node.ts';
import type { LinearOperator, Transform } from '../nodekit/operator.ts';
import { readParam, type ParamSpecs, type ParamValue } from '../nodekit/params.ts';
import type { Scope } from '../nodekit/scope.ts';
import { tensorsOf, withTensors, type DataWire, type Wire } from '../nodekit/wires.ts';
import { SCHEMAS, type AnswerBuild, type AnswerDefinition, type AnswerOutput, type AnswerProgram } from './answer.ts';
import type { NodeMachine } from './machine.ts';
import * as messages from './messages.ts';
import { Refused } from './refused.ts';
import { replay } from './replay.ts';
import type { BaseText, OperatorPart, WireText } from './wireText.ts';

/** Asks the node what it is. Throws `Refused`. `hash` is that of its source. */
export function defineCustom(machine: NodeMachine, type: string, hash: string): AnyNode {
  const said = machine.ask({ method: 'describe' }, SCHEMAS.describe);
  checkDefinition(said, type);
  const { asSource, peft, inline, equation, paper } = { ...said, ...said.docs };
  const carriesTransform = Object.values(said.outputs).some((p) => p.kind === 'transform');
  const node = new CustomNode(machine, type, said);
  return {
    type,
    version: said.version,
    docs: {
      title: said.docs.title,
      family: said.docs.family,
      help: said.docs.help,
      ...(equation === undefined ? {} : { equation }),
      ...(paper === undefined ? {} : { paper }),
    },
    inputs: said.inputs,
    outputs: said.outputs,
    params: said.params,
    bypass: said.bypass,
    ...(peft ? { peft: peft } : {}),
    ...(inline === true ? { inline } : {}),
    fingerprint: hash,
    build: (context) => (carriesTransform ? node.transforms(context) : node.build(context)),
    ...(asSource
      ? {
          asSource: (scope: Scope, x: Tensor, params: Readonly<Record<string, ParamValue>>) =>
            node.asSource(scope, x, params),
        }
      : {}),
  };
}

/** What a custom node cannot be, though it can be said. */
function checkDefinition(said: AnswerDefinition, type: string): void {
  if (said.type !== type) throw new Refused(messages.wrongType(said.type.slice(0, 60), type));
  if (said.bank === true)
    throw new Refused(
      messages.notAllowed('read a source bank', 'Take the outputs of the sources at a port of kind "sources".'),
    );
  const inputs = Object.entries(said.inputs);
  const outputs = Object.entries(said.outputs);
  if (inputs.some(([, p]) => p.kind === 'transform'))
    throw new Refused(messages.notAllowed('take transforms', 'Give a transform instead; it docks on a linear layer.'));
  if (outputs.some(([, p]) => p.kind === 'sources' || p.many === true))
    throw new Refused(messages.notAllowed('give many wires at one output', 'Give each its own output.'));
  const transforms = outputs.filter(([, p]) => p.kind === 'transform');
  if (transforms.length > 0 && (inputs.length > 0 || outputs.length > 1))
    throw new Refused(
      messages.notAllowed('give a transform beside other ports', 'Make it a node with a single output.'),
    );
  for (const [name, spec] of Object.entries(said.params)) {
    const fits = readParam(spec, spec.default);
    if ('problem' in fits)
      throw new Refused(messages.notAllowed(`have the default of "${name}", which ${fits.problem}`, fits.fix));
  }
  const { bypass } = said;
  if (bypass.kind !== 'pass') return;
  for (const [out, from] of Object.entries(bypass.from))
    if (said.outputs[out] === undefined || said.inputs[from]?.kind !== said.outputs[out].kind)
      throw new Refused(
        messages.notAllowed(`pass "${from}" on as "${out}"`, 'Name an input and an output of one kind.'),
      );
}

type Context = BuildContext<ParamSpecs>;
type Params = Readonly<Record<string, ParamValue>>;

class CustomNode {
  readonly #machine: NodeMachine;
  readonly #type: string;
  readonly #said: AnswerDefinition;

  constructor(machine: NodeMachine, type: string, said: AnswerDefinition) {
    this.#machine = machine;
    this.#type = type;
    this.#said = said;
  }

  build(context: Context): Readonly<Record<string, Wire>> {
    const wires = Object.entries(this.#said.inputs).map(
      ([port, spec]) => [port, wiresAt(context, port, spec)] as const,
    );
    const answer = this.#ask(context, wires);
    this.#checkOutputs(answer);
    const inputs = wires.flatMap(([, list]) => list.flatMap((w) => tensorsOf(w).map(([, t]) => t)));
    const { results } = replay({ scope: context.scope, nodeType: this.#type }, answer, inputs);
    let at = 0;
    return Object.fromEntries(
      answer.outputs.map(([port, output]) => {
        if (output.kind === 'transform') throw new Refused(messages.notAnAnswer('a transform that is not declared'));
        const wire = outputWire(output, results.slice(at, at + output.count));
        at += output.count;
        return [port, wire];
      }),
    );
  }

  transforms(context: Context): Readonly<Record<string, Wire>> {
    const answer = this.#ask(context, []);
    this.#checkOutputs(answer);
    const [port, output] = must(answer.outputs[0], 'an output');
    if (output.kind !== 'transform') throw new Refused(messages.notAnAnswer('no transform, though it is declared'));
    const { id, params } = context;
    const transform: Transform = {
      class: output.class,
      wrap: (scope, base) => this.#wrap(scope, base, id, params, port),
      ...(output.delta
        ? {
            delta: (scope: Scope, x: Tensor, outFeatures: number | string) => {
              const program = this.#machine.ask(
                { method: 'delta', port, x: printType(x.type), outFeatures, ...nodeCall(scope, id, params) },
                SCHEMAS.program,
              );
              return single(replay({ scope, nodeType: this.#type }, program, [x]).results);
            },
          }
        : {}),
    };
    return { [port]: { kind: 'transform', transform } };
  }

  asSource(scope: Scope, x: Tensor, params: Params): Tensor {
    const program = this.#machine.ask(
      { method: 'asSource', x: printType(x.type), ...nodeCall(scope, 'source', params) },
      SCHEMAS.program,
    );
    return single(replay({ scope, nodeType: this.#type }, program, [x]).results);
  }

  #ask({ scope, id, params }: Context, wires: readonly (readonly [string, readonly DataWire[]])[]): AnswerBuild {
    const inputs = wires.map(([port, list]) => [port, list.map(wireText)] as const);
    return this.#machine.ask({ method: 'build', inputs, ...nodeCall(scope, id, params) }, SCHEMAS.build);
  }

  #checkOutputs({ outputs }: AnswerBuild): void {
    const given = new Map(outputs);
    for (const [port, spec] of Object.entries(this.#said.outputs)) {
      const output = given.get(port);
      if (output?.kind !== spec.kind)
        throw new Refused(messages.notAnAnswer(`no ${spec.kind} at the output "${port}", though it is declared`));
    }
    if (given.size !== Object.keys(this.#said.outputs).length || given.size !== outputs.length)
      throw new Refused(messages.notAnAnswer('other outputs than it declares'));
  }

  /** The operator of a transform; each of its parts is traced when it is used. */
  #wrap(scope: Scope, base: LinearOperator, id: string, params: Params, port: string): LinearOperator {
    const text = baseText(base);
    const part = (name: OperatorPart, x?: Tensor): readonly Tensor[] => {
      const program: AnswerProgram = this.#machine.ask(
        {
          method: 'operator',
          port,
          part: name,
          base: text,
          ...(x ? { x: printType(x.type) } : {}),
          ...nodeCall(scope, id, params),
        },
        SCHEMAS.program,
      );
      return replay({ scope, nodeType: this.#type, base }, program, x ? [x] : []).results;
    };
    return {
      inFeatures: base.inFeatures,
      outFeatures: base.outFeatures,
      bias: part('bias')[0],
      apply: (x) => single(part('apply', x)),
      product: (x) => single(part('product', x)),
      applyTransposed: (y) => single(part('applyTransposed', y)),
      materialize: () => single(part('materialize')),
    };
  }
}

const nodeCall = (scope: Scope, id: string, params: Params) => ({
  params,
  id,
  training: scope.training,
  merging: scope.context.merging ?? false,
  batch: String(scope.context.symbols.batch),
  length: String(scope.context.symbols.length),
});

function single(results: readonly Tensor[]): Tensor {
  const [result] = results;
  if (!result || results.length !== 1) throw new Refused(messages.notAnAnswer('no tensor where one is asked for'));
  return result;
}

const baseText = (base: LinearOperator): BaseText => ({
  inFeatures: base.inFeatures,
  outFeatures: base.outFeatures,
  ...(base.bias ? { bias: printType(base.bias.type) } : {}),
  ...(base.raw ? { raw: { weight: printType(base.raw.weight.type), layout: base.raw.layout } } : {}),
});

/** The wires of a port as data; a port for many takes the tensors of a thick wire one by one. */
function wiresAt({ inputs }: Context, port: string, spec: Ports[string]): readonly DataWire[] {
  const present = <T>(x: T | undefined): readonly T[] => (x === undefined ? [] : [x]);
  switch (spec.kind) {
    case 'tensor':
      if (spec.many === true) return inputs.tensors(port).map((value) => ({ kind: 'tensor', value }));
      return present(inputs.optionalTensor(port)).map((value) => ({ kind: 'tensor', value }));
    case 'sources':
      return inputs.tensors(port).map((value) => ({ kind: 'tensor', value }));
    case 'tokens':
      return [inputs.tokens(port)];
    case 'affine':
      return present(inputs.optionalAffine(port));
    case 'kv':
      return present(inputs.optionalKv(port));
    case 'loss':
      return inputs.losses(port);
    case 'transform':
      return [];
  }
}

function wireText(wire: DataWire): WireText {
  return {
    kind: wire.kind,
    types: tensorsOf(wire).map(([, t]) => printType(t.type)),
    ...(wire.kind === 'affine' ? { epsilon: wire.epsilon } : {}),
    ...(wire.kind === 'loss' ? { coefficient: wire.coefficient } : {}),
    ...(wire.kind === 'sources' ? { names: wire.names } : {}),
  };
}

function outputWire(output: Exclude<AnswerOutput, { kind: 'transform' }>, tensors: readonly Tensor[]): DataWire {
  const none = undefined as unknown as Tensor;
  const shapes: { readonly [K in typeof output.kind]: DataWire } = {
    tensor: { kind: 'tensor', value: none },
    tokens: { kind: 'tokens', ids: none, typeIds: none, positions: none, lengths: none },
    affine: { kind: 'affine', gamma: none, beta: none, epsilon: output.epsilon ?? 1e-12 },
    kv: { kind: 'kv', keys: none, values: none },
    loss: { kind: 'loss', sum: none, weight: none, coefficient: output.coefficient ?? 1 },
  };
  if (tensorsOf(shapes[output.kind]).length !== tensors.length)
    throw new Refused(messages.notAnAnswer(`a ${output.kind} of ${tensors.length} tensors`));
  return withTensors(shapes[output.kind], tensors);
}
