/** Statements of `__init__` that make the modules and parameters of a function's weights and give them their initial values. */
import { must } from '../../base/errors.ts';
import type { Fn, FnParam } from '../../ir/program.ts';
import type { Holes } from './holes.ts';
import { fixedShape, type InitOf, type WeightModule } from './modules.ts';
import { own, type Ident } from './python/identifiers.ts';
import { attribute, call, dotted, float, integer, invoke, method, SELF, tuple, type Expr, type Statement } from './python/syntax.ts';
import type { TorchInit } from './source.ts';
import type { Sizes } from './sizes.ts';

export interface ConstructionContext {
  readonly fn: Fn;
  readonly sizes: Sizes;
  readonly holes: Holes;
  readonly initOf: InitOf;
}

/** The statements of one module that is the attribute `name`. */
export function construct(module: WeightModule, name: Ident, c: ConstructionContext): Statement[] {
  const self = attribute(SELF, name);
  const assign = (value: Expr): Statement => ({ kind: 'assign', targets: [self], value });
  const tensor = (part: 'weight' | 'bias' | ''): FnParam => must(module.tensors.get(part), `${module.kind} has ${part}`);
  const shape = (p: FnParam): Expr[] => sizesOfParam(p, name, c);
  switch (module.kind) {
    case 'linear': {
      const [outputs, inputs] = shape(tensor('weight')) as [Expr, Expr];
      const bias = module.tensors.get('bias');
      const keywords = bias ? [] : [[own('bias'), dotted('False')] as const];
      const made = assign(call(dotted('nn.Linear'), [inputs, outputs], keywords));
      const fanIn = fixedShape(must(c.fn.values.get(tensor('weight').id), 'weight').type)[1] as number;
      const starts = [...module.tensors].flatMap(([part, p]) => {
        const init = c.initOf(p);
        return init && !isDefault(init, fanIn) ? initialise(attribute(self, own(part)), init, fanIn, c) : [];
      });
      return [made, ...starts];
    }
    case 'layerNorm': {
      const epsilon = c.holes.add({ kind: 'epsilon', value: module.epsilon ?? 0, hint: 'epsilon' });
      return [assign(call(dotted('nn.LayerNorm'), shape(tensor('weight')), [[own('eps'), epsilon]]))];
    }
    case 'embedding': {
      const init = c.initOf(tensor('weight'));
      return [assign(call(dotted('nn.Embedding'), shape(tensor('weight')))), ...(init ? initialise(attribute(self, own('weight')), init, 0, c) : [])];
    }
    case 'parameter': {
      const p = tensor('');
      const init = c.initOf(p);
      const made = filled(init, shape(p), c);
      const parameter = assign(invoke('nn.Parameter', [made ?? invoke('torch.empty', shape(p))]));
      if (made || !init) return [parameter];
      return [parameter, ...initialise(self, init, fixedShape(must(c.fn.values.get(p.id), 'parameter').type)[1] ?? 0, c)];
    }
  }
}

/** One hole per axis of a parameter. */
function sizesOfParam(p: FnParam, name: Ident, c: ConstructionContext): Expr[] {
  const shape = fixedShape(must(c.fn.values.get(p.id), p.name).type);
  return shape.map((value, axis) => {
    const size = c.sizes.of(p.id, axis);
    const hint = axis === 0 ? `${name}_size` : `${name}_width`;
    return c.holes.add({ kind: 'size', value, hint, ...(size === undefined ? {} : { size }) });
  });
}

const isNear = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-9 * Math.abs(b);

/** What `nn.Linear` does by itself: U(-1/sqrt(in), 1/sqrt(in)) for weight and bias. */
const isDefault = (init: TorchInit, fanIn: number): boolean =>
  init.kind === 'copy' || (init.kind === 'uniform' && init.low === -init.high && isNear(init.high, 1 / Math.sqrt(fanIn)));

/** A parameter that starts as a constant; frozen ones, copies and norms of weights wait for the checkpoint as zeros. */
function filled(init: TorchInit | undefined, shape: readonly Expr[], c: ConstructionContext): Expr | undefined {
  if (!init || init.kind === 'copy' || init.kind === 'sampleRows') return invoke('torch.zeros', shape);
  if (init.kind === 'rowNorm') return invoke('torch.ones', shape);
  if (init.kind !== 'constant') return undefined;
  if (init.value === 0 || init.value === 1) return invoke(init.value === 0 ? 'torch.zeros' : 'torch.ones', shape);
  return invoke('torch.full', [tuple(shape), c.holes.add({ kind: 'number', value: init.value, hint: 'start' })]);
}

function initialise(target: Expr, init: TorchInit, fanIn: number, c: ConstructionContext): Statement[] {
  const number = (value: number, hint: string): Expr => (value === 0 ? float(0) : c.holes.add({ kind: 'number', value, hint }));
  const statement = (value: Expr): Statement => ({ kind: 'expression', value });
  switch (init.kind) {
    case 'constant':
      if (init.value === 0 || init.value === 1) return [statement(invoke(init.value === 0 ? 'nn.init.zeros_' : 'nn.init.ones_', [target]))];
      return [statement(invoke('nn.init.constant_', [target, number(init.value, 'start')]))];
    case 'normal': {
      const keywords = init.mean === 0 ? {} : { mean: number(init.mean, 'mean') };
      return [statement(invoke('nn.init.normal_', [target], { ...keywords, std: number(init.std, 'std') }))];
    }
    case 'truncatedNormal': {
      const limit = number(init.limit, 'limit');
      return [statement(invoke('nn.init.trunc_normal_', [target], { std: number(init.std, 'std'), a: { kind: 'unary', op: '-', x: limit }, b: limit }))];
    }
    case 'uniform':
      if (fanIn > 0 && isDefault(init, fanIn)) {
        const root = invoke('math.sqrt', [integer(5)]);
        return [statement(invoke('nn.init.kaiming_uniform_', [target], { a: root }))];
      }
      return [statement(invoke('nn.init.uniform_', [target, number(init.low, 'low'), number(init.high, 'high')]))];
    case 'diagonal': {
      const fill = method(method(target, 'fill_', [number(init.rest, 'rest')]), 'fill_diagonal_', [number(init.diagonal, 'diagonal')]);
      return [{ kind: 'with', context: invoke('torch.no_grad', []), body: [statement(fill)] }];
    }
    case 'copy':
    case 'rowNorm':
    case 'sampleRows':
      return [];
  }
}
