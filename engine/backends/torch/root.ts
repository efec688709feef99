/**
 * The class `Model`: the root function with the inputs that PyTorch users know (`input_ids`, `attention_mask`, ...), the
 * outputs under their names, and the loss where labels are given: its mean, with the coefficients of the graph.
 */
import { must } from '../../base/errors.ts';
import { operandsOf, type Fn, type FnParam, type Instr, type ValueId } from '../../ir/program.ts';
import { literalOf } from './arguments.ts';
import { attributesOf, type Attributes } from './attributes.ts';
import { constructorOf, initCode } from './classes.ts';
import { attributeContext, type DraftContext } from './draft.ts';
import { ForwardWriter } from './forward.ts';
import { Holes } from './holes.ts';
import { matchLoss, type LossMatch } from './losses.ts';
import { partsOfPath } from './naming.ts';
import { Namer, own, type Ident } from './python/identifiers.ts';
import { formatLiteral } from './python/literals.ts';
import {
  attribute,
  binary,
  call,
  dotted,
  fillStatement,
  float,
  index,
  integer,
  invoke,
  method,
  name,
  NONE,
  SELF,
  TENSOR,
  type ClassDef,
  type Def,
  type Expr,
  type Parameter,
  type Statement,
} from './python/syntax.ts';
import { Starts } from './starts.ts';
import type { TorchOptions, TorchSource } from './source.ts';

export interface RootClass {
  readonly attributes: Attributes;
  /** The classes, once it is known which parameters ended up in several places. */
  finish(ties: readonly (readonly string[])[]): readonly ClassDef[];
}

type NamedLoss = TorchSource['losses'][number] & { readonly match: LossMatch };

export function rootOf(root: Fn, source: TorchSource, options: TorchOptions, c: DraftContext): RootClass {
  const outputs = source.outputs.map((o) => resultId(root, `output/${o}`));
  const losses = source.losses.map((l): NamedLoss => {
    const [sum, weight] = ['sum', 'weight'].map((part) => resultId(root, `loss/${l.name}/${part}`)) as [
      ValueId,
      ValueId,
    ];
    return { ...l, match: matchLoss(root, sum, weight) };
  });
  const lossIds = losses.flatMap((l) => l.match.operands);
  const before = sliceTo(root, outputs);
  const needed = sliceTo(root, [...outputs, ...lossIds]);
  const fn: Fn = { ...root, body: root.body.filter((i) => needed.has(i)) };
  const holes = new Holes();
  const context = attributeContext(fn, holes, c);
  const attributes = attributesOf(context);
  // Outputs are given twice where a loss may be given with them.
  const writer = new ForwardWriter(context, attributes, [
    ...outputs,
    ...(losses.length > 0 ? outputs : []),
    ...lossIds,
  ]);
  const inputs = bindInputs(fn, writer, options);
  const fields = outputFields(source.outputs, losses.length > 0);
  const result = (loss: readonly Expr[]): Statement => {
    const values = [...outputs.map((id) => writer.read(id)), ...loss];
    const value = fields.length > 1 ? call(name(own('ModelOutput')), values) : must(values[0], 'a model has an output');
    return { kind: 'return', value };
  };
  writer.write(fn.body.filter((i) => before.has(i)));
  if (losses.length > 0 && inputs.labels && outputs.length > 0) {
    writer.statements.push({ kind: 'ifNone', x: name(inputs.labels), body: [result([])] });
  }
  writer.write(fn.body.filter((i) => !before.has(i)));
  const loss = losses.length > 0 ? [name(writer.names.mint('loss'))] : [];
  for (const l of loss) writer.statements.push({ kind: 'assign', targets: [l], value: lossExpression(losses, writer) });
  writer.statements.push(result(loss));
  const starts = attributes.constructions.flatMap((k) => k.starts);
  const placed = new Starts(starts);
  const literal = (hole: number): Expr =>
    literalOf(must(holes.list[hole] ?? placed.hole(hole, starts), `hole ${hole}`));
  const made = initCode(attributes, placed).map((s) => fillStatement(s, literal));
  const forward: Def = {
    name: own('forward'),
    self: true,
    parameters: inputs.parameters,
    returns: fields.length > 1 ? name(own('ModelOutput')) : TENSOR,
    doc: FORWARD_DOC,
    body: [...inputs.statements, ...writer.statements].map((s) => fillStatement(s, literal)),
  };
  const doc = root.origin?.doc ?? 'The model.';
  const finish = (ties: readonly (readonly string[])[]): readonly ClassDef[] => {
    const init = constructorOf([], [...made, ...ties.map(tieStatement), ...FREEZE]);
    const model: ClassDef = {
      name: own('Model'),
      base: dotted('nn.Module'),
      doc,
      fields: [],
      methods: [init, forward],
    };
    return fields.length > 1 ? [outputClass(fields), model] : [model];
  };
  return { attributes, finish };
}

const outputClass = (fields: readonly Parameter[]): ClassDef => ({
  name: own('ModelOutput'),
  base: name(own('NamedTuple')),
  doc: 'What the model gives.',
  fields,
  methods: [],
});

const FORWARD_DOC = 'Token ids and mask are `[batch, length]`, padded on the right.';

const resultId = (fn: Fn, result: string): ValueId =>
  must(
    fn.results.find((r) => r.name === result),
    `result ${result}`,
  ).id;

/** The instructions that some values depend on. */
function sliceTo(fn: Fn, ids: readonly ValueId[]): Set<Instr> {
  const wanted = new Set(ids);
  const kept = new Set<Instr>();
  for (const instr of [...fn.body].reverse()) {
    if (!instr.outputs.some((id) => wanted.has(id))) continue;
    kept.add(instr);
    for (const id of operandsOf(instr)) wanted.add(id);
  }
  return kept;
}

interface BoundInputs {
  readonly parameters: readonly Parameter[];
  readonly statements: readonly Statement[];
  readonly labels: Ident | undefined;
}

const OPTIONAL: Expr = binary('|', TENSOR, NONE);

/** The parameters of `forward`: token ids and mask, other data, and what has a default. */
function bindInputs(fn: Fn, writer: ForwardWriter, options: TorchOptions): BoundInputs {
  const byName = new Map(fn.params.filter((p) => p.role === 'input').map((p) => [p.name, p]));
  const ids = byName.get('batch/ids');
  const required: Parameter[] = [];
  const optional: Parameter[] = [];
  const statements: Statement[] = [];
  const take = (p: FnParam | undefined, id: string, defaultTo?: Expr): Ident | undefined => {
    if (!p) return undefined;
    const made = writer.names.mint(id);
    if (defaultTo) optional.push({ name: made, annotation: OPTIONAL, defaultValue: NONE });
    else required.push({ name: made, annotation: TENSOR });
    if (defaultTo && defaultTo !== NONE) {
      statements.push({
        kind: 'ifNone',
        x: name(made),
        body: [{ kind: 'assign', targets: [name(made)], value: defaultTo }],
      });
    }
    byName.delete(p.name);
    writer.bind(p.id, name(made));
    return made;
  };
  const tokens = take(ids, 'input_ids');
  const lengths = byName.get('batch/lengths');
  if (lengths) {
    const mask = writer.names.mint('attention_mask');
    const sum = writer.names.mint('lengths');
    required.push({ name: mask, annotation: TENSOR });
    statements.push({
      kind: 'assign',
      targets: [name(sum)],
      value: method(name(mask), 'sum', [], { dim: integer(-1) }),
    });
    writer.bind(lengths.id, name(sum));
    byName.delete(lengths.name);
  }
  const labels = byName.get('batch/labels');
  byName.delete('batch/labels');
  const known = { types: byName.get('batch/typeIds'), positions: byName.get('batch/positions') };
  take(known.types, 'token_type_ids', tokens && invoke('torch.zeros_like', [name(tokens)]));
  take(known.positions, 'position_ids', tokens && positionsOf(name(tokens), options.firstPosition ?? 0));
  for (const p of [...byName.values()]) take(p, partsOfPath(p.name).at(-1) ?? p.name);
  const label = take(labels, 'labels', NONE);
  return { parameters: [...required, ...optional], statements, labels: label };
}

function positionsOf(tokens: Expr, first: number): Expr {
  const length = index(attribute(tokens, own('shape')), integer(1));
  const keywords = { device: attribute(tokens, own('device')) };
  const range = invoke(
    'torch.arange',
    first === 0 ? [length] : [integer(first), binary('+', length, integer(first))],
    keywords,
  );
  return method(range, 'expand_as', [tokens]);
}

function outputFields(outputs: readonly string[], hasLoss: boolean): readonly Parameter[] {
  const namer = new Namer('local', ['count', 'index']);
  const fields = outputs.map((o): Parameter => ({ name: namer.mint(o), annotation: TENSOR }));
  return hasLoss ? [...fields, { name: namer.mint('loss'), annotation: OPTIONAL, defaultValue: NONE }] : fields;
}

function lossExpression(losses: readonly NamedLoss[], writer: ForwardWriter): Expr {
  const terms = losses.map(({ coefficient, match }) => {
    const term = match.build(match.operands.map((id) => writer.read(id)));
    return coefficient === 1 ? term : binary('*', float(coefficient), term);
  });
  return terms.reduce((a, b) => binary('+', a, b));
}

/** Parameters of several places that are one: said once for all layers where only the layer's number differs. */
function tieStatement(names: readonly string[]): Statement {
  const range = layerRange(names);
  const layer = own('i');
  const item = (): Expr => ({
    kind: 'literal',
    text: formatLiteral([range?.before ?? '', { name: layer }, range?.after ?? '']),
  });
  const generated: Expr = {
    kind: 'star',
    x: { kind: 'generator', item: item(), targets: [layer], over: invoke('range', [integer(names.length)]) },
  };
  const listed = names.map((n): Expr => ({ kind: 'literal', text: formatLiteral([n]) }));
  return { kind: 'expression', value: invoke('tie', [SELF, ...(range ? [generated] : listed)]) };
}

/** `layers.0.x, layers.1.x, ...` from 0 on without a gap. */
function layerRange(names: readonly string[]): { readonly before: string; readonly after: string } | undefined {
  const [before, after] = (names[0] ?? '').split(/\.0\.(.*)/s) as [string, string | undefined];
  if (after === undefined || names.length < 3) return undefined;
  const fits = names.every((n, i) => n === `${before}.${i}.${after}`);
  return fits ? { before: `${before}.`, after: `.${after}` } : undefined;
}

const FREEZE: readonly Statement[] = [
  { kind: 'expression', value: method(SELF, 'requires_grad_', [dotted('False')]) },
  {
    kind: 'for',
    target: name(own('name')),
    over: name(own('TRAINABLE')),
    body: [{ kind: 'expression', value: method(method(SELF, 'get_parameter', [name(own('name'))]), 'requires_grad_') }],
  },
];
