/** Statements of `__init__` that make the modules and parameters of a function's weights and give them their initial values. */
import { must } from '../../base/errors.ts';
import type { Fn, FnParam } from '../../ir/program.ts';
import { Holes, type Hole } from './holes.ts';
import { fixedShape, type InitOf, type WeightModule } from './modules.ts';
import { own, type Ident } from './python/identifiers.ts';
import {
  attribute,
  call,
  dotted,
  float,
  integer,
  invoke,
  method,
  SELF,
  tuple,
  type Expr,
  type Statement,
} from './python/syntax.ts';
import type { TorchInit } from './source.ts';
import type { Sizes } from './sizes.ts';

export interface ConstructionContext {
  readonly fn: Fn;
  readonly sizes: Sizes;
  readonly holes: Holes;
  readonly initOf: InitOf;
}

/** How one tensor of a class starts: by statements after it was made, or by what it is filled with when it is made. */
export interface Start {
  /** Attribute path of the tensor: `down.weight`, `A`. */
  readonly tensor: string;
  readonly statements: readonly Statement[];
  /** The holes of the statements, counted from 0: a frozen tensor of the same class has none of them. */
  readonly holes: readonly Hole[];
  /** `torch.zeros` or `torch.ones` instead of `torch.empty` for a bare parameter. */
  readonly fill?: 'torch.zeros' | 'torch.ones';
}

export interface Construction {
  readonly made: Statement;
  readonly starts: readonly Start[];
}

/** The construction of one module that is the attribute `name`. */
export function construct(module: WeightModule, name: Ident, c: ConstructionContext): Construction {
  const self = attribute(SELF, name);
  const tensor = (part: 'weight' | 'bias' | ''): FnParam =>
    must(module.tensors.get(part), `${module.kind} has ${part}`);
  const shape = (part: 'weight' | '', hints: readonly [string, string]): Expr[] => sizesOfParam(tensor(part), hints, c);
  const assign = (value: Expr): Statement => ({ kind: 'assign', targets: [self], value });
  switch (module.kind) {
    case 'linear': {
      const [outputs, inputs] = shape('weight', [`${name}_width`, `${name}_inputs`]) as [Expr, Expr];
      const keywords = module.tensors.has('bias') ? [] : [[own('bias'), dotted('False')] as const];
      return {
        made: assign(call(dotted('nn.Linear'), [inputs, outputs], keywords)),
        starts: startsOf(module, name, c, true),
      };
    }
    case 'layerNorm': {
      const width = shape('weight', [`${name}_width`, '']);
      const epsilon = c.holes.add({ kind: 'epsilon', value: module.epsilon ?? 0, hint: 'epsilon' });
      return {
        made: assign(call(dotted('nn.LayerNorm'), width, [[own('eps'), epsilon]])),
        starts: startsOf(module, name, c, false),
      };
    }
    case 'embedding': {
      const sizes = shape('weight', [`${name}_size`, `${name}_width`]);
      return { made: assign(call(dotted('nn.Embedding'), sizes)), starts: startsOf(module, name, c, false) };
    }
    case 'parameter': {
      const sizes = shape('', [
        isRank(tensor(''), 0, c) ? 'rank' : `${name}_size`,
        isRank(tensor(''), 1, c) ? 'rank' : `${name}_width`,
      ]);
      return {
        made: assign(invoke('nn.Parameter', [invoke('torch.empty', sizes.length === 0 ? [tuple([])] : sizes)])),
        starts: startsOf(module, name, c, false),
      };
    }
  }
}

function startsOf(module: WeightModule, name: Ident, c: ConstructionContext, isLinear: boolean): Start[] {
  const weight = module.tensors.get('weight') ?? module.tensors.get('');
  const fanIn = weight ? (fixedShape(must(c.fn.values.get(weight.id), 'weight').type)[1] ?? 0) : 0;
  const self = attribute(SELF, name);
  return [...module.tensors].flatMap(([part, p]): Start[] => {
    const init = c.initOf(p);
    if (!init || (isLinear && isDefault(init, fanIn))) return [];
    const fill = part === '' ? fillOf(init) : undefined;
    if (fill) return [{ tensor: name, statements: [], holes: [], fill }];
    const holes = new Holes();
    const statements = initialise(part === '' ? self : attribute(self, own(part)), init, fanIn, holes);
    return statements.length === 0
      ? []
      : [{ tensor: part === '' ? name : `${name}.${part}`, statements, holes: holes.list }];
  });
}

/** What a bare parameter is filled with when it is made, where no statement has to follow. */
function fillOf(init: TorchInit): Start['fill'] {
  if (init.kind === 'rowNorm') return 'torch.ones';
  if (init.kind === 'copy' || init.kind === 'sampleRows') return 'torch.zeros';
  if (init.kind !== 'constant') return undefined;
  return init.value === 0 ? 'torch.zeros' : init.value === 1 ? 'torch.ones' : undefined;
}

/** Whether an axis of a bare matrix is what it shares with another one that it is multiplied with: B A of rank r. */
function isRank(p: FnParam, axis: 0 | 1, c: ConstructionContext): boolean {
  const size = c.sizes.of(p.id, axis);
  const isMatrix = (q: FnParam): boolean => c.fn.values.get(q.id)?.type.shape.length === 2;
  const others = c.fn.params.filter((q) => q.id !== p.id && q.role === p.role && isMatrix(q));
  return (
    p.role === 'trainable' &&
    size !== undefined &&
    isMatrix(p) &&
    others.some((q) => c.sizes.of(q.id, 1 - axis) === size) &&
    !others.some((q) => c.sizes.of(q.id, axis) === size)
  );
}

/** One hole per axis of a parameter. */
function sizesOfParam(p: FnParam, hints: readonly [string, string], c: ConstructionContext): Expr[] {
  const shape = fixedShape(must(c.fn.values.get(p.id), p.name).type);
  return shape.map((value, axis) => {
    const size = c.sizes.of(p.id, axis);
    return c.holes.add({ kind: 'size', value, hint: hints[axis] ?? hints[1], ...(size === undefined ? {} : { size }) });
  });
}

const isNear = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-9 * Math.abs(b);

/** What `nn.Linear` does by itself: U(-1/sqrt(in), 1/sqrt(in)) for weight and bias. */
const isDefault = (init: TorchInit, fanIn: number): boolean =>
  init.kind === 'copy' ||
  (init.kind === 'uniform' && init.low === -init.high && isNear(init.high, 1 / Math.sqrt(fanIn)));

function initialise(target: Expr, init: TorchInit, fanIn: number, holes: Holes): Statement[] {
  const number = (value: number, hint: string): Expr =>
    value === 0 ? float(0) : holes.add({ kind: 'number', value, hint });
  const statement = (value: Expr): Statement => ({ kind: 'expression', value });
  switch (init.kind) {
    case 'constant':
      if (init.value === 0 || init.value === 1)
        return [statement(invoke(init.value === 0 ? 'nn.init.zeros_' : 'nn.init.ones_', [target]))];
      return [statement(invoke('nn.init.constant_', [target, number(init.value, 'start')]))];
    case 'normal': {
      const keywords = init.mean === 0 ? {} : { mean: number(init.mean, 'mean') };
      return [statement(invoke('nn.init.normal_', [target], { ...keywords, std: number(init.std, 'std') }))];
    }
    case 'truncatedNormal': {
      const limit = number(init.limit, 'limit');
      return [
        statement(
          invoke('nn.init.trunc_normal_', [target], {
            std: number(init.std, 'std'),
            a: { kind: 'unary', op: '-', x: limit },
            b: limit,
          }),
        ),
      ];
    }
    case 'uniform':
      if (fanIn > 0 && isDefault(init, fanIn)) {
        const root = invoke('math.sqrt', [integer(5)]);
        return [statement(invoke('nn.init.kaiming_uniform_', [target], { a: root }))];
      }
      return [statement(invoke('nn.init.uniform_', [target, number(init.low, 'low'), number(init.high, 'high')]))];
    case 'diagonal': {
      const fill = method(method(target, 'fill_', [number(init.rest, 'rest')]), 'fill_diagonal_', [
        number(init.diagonal, 'diagonal'),
      ]);
      return [{ kind: 'with', context: invoke('torch.no_grad', []), body: [statement(fill)] }];
    }
    case 'copy':
    case 'rowNorm':
    case 'sampleRows':
      return [];
  }
}
