/**
 * What a node's `build` may ask for besides its inputs: parameters, frozen weights, noise, taps, outlined functions. One
 * scope belongs to one function under construction. What the function needs from outside (its declarations) is lifted to
 * the callers, level by level, until it becomes an input of the whole Program.
 */
import { freeName } from '../base/freeName.ts';
import { BugError } from '../base/errors.ts';
import { iota, mul, named, noise } from '../ir/build.ts';
import type { Dim } from '../ir/dim.ts';
import type { NoiseDistribution } from '../ir/opAttrs.ts';
import type { Fn, FnOrigin, ParamRole, Region } from '../ir/program.ts';
import type { Tensor } from '../ir/tensor.ts';
import { sameType, tensorType, printType, type Shape, type ValueType } from '../ir/types.ts';
import { FnBuilder, typeIn } from '../tracing/builder.ts';
import type { InitSpec } from './init.ts';

/** A frozen tensor: of a checkpoint or of an adapter artifact. `{layer}` in the name stands for the absolute layer number. */
export interface WeightRef {
  /** `backbone`, or the name of an adapter artifact of a bank. */
  readonly artifact: string;
  readonly tensor: string;
}

/** Whether a declaration is one per layer, one per stack or one per model: sharing is data. */
export type ParamScope = 'layer' | 'stack' | 'model';

export interface Declaration {
  readonly name: string;
  readonly role: ParamRole;
  readonly type: ValueType;
  readonly scope: ParamScope;
  readonly init?: InitSpec;
  readonly source?: WeightRef;
  /** Weight decay applies to it. */
  readonly decay?: boolean;
  /** Local name of a frozen weight that this parameter's initial value is computed from. */
  readonly initFrom?: string;
}

export interface Traced {
  readonly fn: Fn;
  /** In the order of the function's parameters after its `wires` first ones. */
  readonly declarations: readonly Declaration[];
  readonly wires: number;
  /** Names of the results that are taps; they come after the others. */
  readonly taps: readonly string[];
}

export interface ScopeContext {
  readonly training: boolean;
  /** Also tap the effective weights of layers that modules have changed: what merging writes into a checkpoint. */
  readonly merging?: boolean;
  readonly symbols: { readonly batch: Dim; readonly length: Dim };
  /** Keeps functions by content, so that equal ones are one. */
  readonly library: FnLibrary;
}

/** The functions of the Program under construction, one per distinct content. */
export class FnLibrary {
  readonly #byContent = new Map<string, string>();
  readonly #names = new Set<string>();
  readonly functions = new Map<string, Fn>();

  /** Registers a function under a name derived from `hint`; an equal one that is known is returned instead. */
  add(fn: Fn, hint: string, content: string): Fn {
    const known = this.#byContent.get(content);
    if (known !== undefined) return this.functions.get(known) as Fn;
    const name = freeName(hint, (n) => this.#names.has(n));
    const renamed = { ...fn, name };
    this.#names.add(name);
    this.#byContent.set(content, name);
    this.functions.set(name, renamed);
    return renamed;
  }
}

/** How the parameters of a node are placed: shared with the nodes of a set, or over the layers of a stack or model. */
export interface Placement {
  /** Id of the node. */
  readonly node: string;
  readonly shared?: string;
  readonly scope?: ParamScope;
}

/** Where in a function a scope stands, and what becomes of the parameters that are asked for there. */
interface Where {
  readonly prefix: string;
  readonly frozen?: (name: string) => WeightRef;
  readonly placement?: Placement;
}

export class Scope {
  readonly context: ScopeContext;
  readonly builder: FnBuilder;
  readonly #where: Where;
  readonly #declarations: Map<string, Declaration>;
  readonly #taps: { name: string; value: Tensor }[];

  constructor(context: ScopeContext, builder = new FnBuilder(), where: Where = { prefix: '' }, owner?: Scope) {
    this.context = context;
    this.builder = builder;
    this.#where = where;
    this.#declarations = owner ? owner.#declarations : new Map<string, Declaration>();
    this.#taps = owner ? owner.#taps : [];
  }

  get #prefix(): string {
    return this.#where.prefix;
  }

  /** The path of a site of this function: where a part that is built in place keeps its names. */
  path(site: string): string {
    return this.#prefix + site;
  }

  get training(): boolean {
    return this.context.training;
  }

  /** The same function, with names prefixed by `site/`: a part that is built in place rather than called. */
  inside(site: string): Scope {
    const { frozen } = this.#where;
    const source = frozen && { frozen: (name: string): WeightRef => frozen(`${site}/${name}`) };
    return this.#at({ ...this.#where, prefix: `${this.#prefix}${site}/`, ...source });
  }

  /** The same function, in which parameters are frozen tensors of an artifact instead: a trained module used as a source. */
  frozen(source: (name: string) => WeightRef): Scope {
    return this.#at({ ...this.#where, frozen: source });
  }

  /** The same function, in which the parameters of a node are shared as its placement says. */
  placing(placement: Placement | undefined): Scope {
    return placement ? this.#at({ ...this.#where, placement }) : this;
  }

  #at(where: Where): Scope {
    return new Scope(this.context, this.builder, where, this);
  }

  /** A trainable parameter. Scalars and vectors are not decayed unless said. */
  param(name: string, shape: Shape, init: InitSpec, options: { scope?: ParamScope; decay?: boolean } = {}): Tensor {
    const { frozen } = this.#where;
    if (frozen) return this.weight(name, shape, frozen(name));
    const initFrom = 'weight' in init ? `${this.#prefix}${init.weight}` : undefined;
    return this.declare(
      this.#placed({
        name: this.#prefix + name,
        role: 'trainable',
        type: tensorType('f32', shape),
        scope: options.scope ?? 'layer',
        init,
        decay: options.decay ?? shape.length >= 2,
        ...(initFrom === undefined ? {} : { initFrom }),
      }),
    );
  }

  /** A trainable parameter where its node's placement puts it: the name within the node, under the name of the shared set. */
  #placed(d: Declaration): Declaration {
    const { placement } = this.#where;
    if (!placement || d.role !== 'trainable') return d;
    if (placement.shared === undefined) return placement.scope === undefined ? d : { ...d, scope: placement.scope };
    const parts = d.name.split('/');
    const local = parts.slice(parts.indexOf(placement.node) + 1).join('/');
    return { ...d, name: `shared/${placement.shared}/${local}`, scope: 'model' };
  }

  /** A frozen weight of the checkpoint. */
  weight(name: string, shape: Shape, source: WeightRef): Tensor {
    return this.declare({
      name: this.#prefix + name,
      role: 'weight',
      type: tensorType('f32', shape),
      scope: 'layer',
      source,
    });
  }

  /** An input of the whole Program by its global name: data of the step. */
  global(name: string, type: ValueType): Tensor {
    return this.declare({ name, role: 'input', type, scope: 'model' });
  }

  declare(declaration: Declaration): Tensor {
    const known = this.builder.existingParam(declaration.name);
    if (known) {
      if (!sameType(known.type, declaration.type)) {
        throw new BugError(
          `"${declaration.name}" is declared as ${printType(known.type)} and as ${printType(declaration.type)}`,
        );
      }
      return known;
    }
    this.#declarations.set(declaration.name, declaration);
    return this.builder.param(declaration.name, declaration.role, declaration.type);
  }

  /** Noise over `[...rows.shape, ...rest]`; `over` says whose logical coordinates the leading axes are. */
  noise(site: string, over: 'tokens' | 'examples', rest: Shape, distribution: NoiseDistribution): Tensor {
    const { batch, length } = this.context.symbols;
    const leading = over === 'tokens' ? [batch, length] : [batch];
    const key = this.global('rng/key', tensorType('u32', [2]));
    const rows = this.global(`rng/${over}`, tensorType('i32', leading));
    return noise(key, rows, this.#prefix + site, [...leading, ...rest], distribution);
  }

  /** Inverted dropout while training, the identity otherwise. The leading axes of x are those of `over`. */
  dropout(x: Tensor, p: number, over: 'tokens' | 'examples' = 'tokens', site = 'dropout'): Tensor {
    if (!this.training || p === 0) return x;
    const rest = x.type.shape.slice(over === 'tokens' ? 2 : 1);
    return mul(x, this.noise(site, over, rest, { kind: 'keep', p }));
  }

  /** Dropout on the entries of a parameter: one draw per step, the same for all examples. */
  dropoutOfParameter(x: Tensor, p: number, site: string): Tensor {
    if (!this.training || p === 0) return x;
    const key = this.global('rng/key', tensorType('u32', [2]));
    const rows = iota(x, x.type.shape[0] as Dim);
    return mul(x, noise(key, rows, this.#prefix + site, x.type.shape, { kind: 'keep', p }));
  }

  /** Shows a value live while training, under this node's path. */
  tap(name: string, value: Tensor): void {
    this.#taps.push({ name: this.#prefix + name, value });
  }

  /** Names a local value for printed programs and emitted code. */
  name(name: string, value: Tensor): Tensor {
    return named(name, value);
  }

  /**
   * Builds a part as a function of its own (a class, in emitted code) and calls it here. Equal parts become one function.
   */
  outline(
    site: string,
    origin: FnOrigin,
    inputs: readonly (readonly [string, Tensor])[],
    build: (scope: Scope, ...inputs: Tensor[]) => readonly (readonly [string, Tensor])[],
    region: Region = { kind: 'plain' },
  ): Tensor[] {
    const { frozen } = this.#where;
    const inner = new Scope(this.context, new FnBuilder(), { prefix: '', ...(frozen ? { frozen } : {}) });
    const handles = inputs.map(([name, x]) => inner.builder.param(name, 'input', x.type));
    const results = build(inner, ...handles);
    const traced = inner.finish(origin, results, inputs.length);
    return this.call(
      traced,
      site,
      inputs.map(([, x]) => x),
      { region },
    );
  }

  /** Calls a traced function: lifts what it declares into this function under `site/`. Returns its results without taps. */
  call(traced: Traced, site: string, inputs: readonly Tensor[], options: { region?: Region } = {}): Tensor[] {
    const path = this.#prefix + site;
    const lifted = traced.declarations.map((d) => this.declare(this.#placed(liftDeclaration(d, path, undefined))));
    const outputs = this.builder.call(traced.fn, path, [...inputs, ...lifted], options.region ?? { kind: 'plain' });
    const plain = outputs.length - traced.taps.length;
    traced.taps.forEach((name, i) => this.#taps.push({ name: join(path, name), value: outputs[plain + i] as Tensor }));
    return outputs.slice(0, plain);
  }

  /** Calls the bodies of a stack one after the other. Layer declarations are lifted under `site/LAYER/`. */
  repeat(
    bodies: readonly Traced[],
    site: string,
    first: number,
    carry: readonly Tensor[],
    broadcast: readonly Tensor[],
    options: { region?: Region; sharedWeights?: boolean },
  ): Tensor[] {
    const layerInputs = bodies.map((body, i) =>
      body.declarations.map((d) => {
        const scoped = options.sharedWeights && d.scope === 'layer' ? { ...d, scope: 'stack' as const } : d;
        return this.declare(liftDeclaration(scoped, this.#prefix + site, first + i));
      }),
    );
    const outputs = this.builder.repeat({
      site: this.#prefix + site,
      first,
      bodies: bodies.map((b) => b.fn),
      region: options.region ?? { kind: 'plain' },
      carry,
      broadcast,
      layerInputs,
    });
    const taps = bodies[0]?.taps ?? [];
    const plain = outputs.length - taps.length;
    taps.forEach((name, i) =>
      this.#taps.push({ name: `${this.#prefix}${site}/${name}`, value: outputs[plain + i] as Tensor }),
    );
    return outputs.slice(0, plain);
  }

  /** Ends the function. Equal functions (same origin, same text) become one. */
  finish(origin: FnOrigin, results: readonly (readonly [string, Tensor])[], wires: number): Traced {
    const all = [...results.map(([name, value]) => ({ name, value })), ...this.#taps];
    const fn = this.builder.finish(origin.nodeType, all, origin);
    const declarations = fn.params.slice(wires).map((p) => {
      const d = this.#declarations.get(p.name);
      if (!d) throw new BugError(`parameter "${p.name}" of ${origin.nodeType} was not declared`);
      return d;
    });
    return {
      fn: this.context.library.add(fn, functionName(origin), contentOf(fn, declarations)),
      declarations,
      wires,
      taps: this.#taps.map((t) => t.name),
    };
  }
}

/** `peft.lora` becomes `Lora`. */
function functionName(origin: FnOrigin): string {
  const last = origin.nodeType.split('.').pop() ?? origin.nodeType;
  return last.replace(/(^|[-_])(\w)/g, (_m, _d, c: string) => c.toUpperCase());
}

/** Everything that makes two functions differ, except the layer a weight comes from. */
function contentOf(fn: Fn, declarations: readonly Declaration[]): string {
  const values = [...fn.values].map(([id, v]) => [id, typeIn(fn, id).dtype, typeIn(fn, id).shape, v.name ?? '']);
  return JSON.stringify([fn.origin, fn.params, fn.body, fn.results, values, declarations.map((d) => [d.name, d.role])]);
}

/** A declaration as its caller sees it. */
export function liftDeclaration(d: Declaration, site: string, layer: number | undefined): Declaration {
  const source =
    d.source && layer !== undefined
      ? { ...d.source, tensor: d.source.tensor.replaceAll('{layer}', String(layer)) }
      : d.source;
  const withSource = source ? { source } : {};
  if (d.role === 'input' || d.scope === 'model') return { ...d, ...withSource };
  if (layer === undefined) return { ...d, ...withSource, name: join(site, d.name), ...initFrom(d, site) };
  const prefix = d.scope === 'stack' ? site : `${site}/${layer}`;
  return { ...d, ...withSource, name: `${prefix}/${d.name}`, scope: 'layer', ...initFrom(d, `${site}/${layer}`) };
}

const initFrom = (d: Declaration, prefix: string): { initFrom?: string } =>
  d.initFrom === undefined ? {} : { initFrom: join(prefix, d.initFrom) };

/** Paths of the entry have no leading site. */
const join = (site: string, name: string): string => (site === '' ? name : `${site}/${name}`);
