/**
 * Recomputation. For every `checkpoint` region the forward values that the backward part reads are computed again from
 * what goes into the region, just before they are first read; so the forward ones die early. For `reversible` regions the
 * streams that go in are computed from the streams that come out, from the last region of a chain back to the first, so
 * that only the last pair is kept (and one every `keepEvery` regions, since inversion amplifies rounding).
 *
 * What recomputation reads stands behind `barrier(value, after)`, where `after` is a cotangent of the region's output:
 * otherwise a backend would merge the second computation with the first, or do it early, and nothing would be saved.
 * Noise is a function of site and coordinates, so recomputed dropout has the same bits.
 *
 * Runs once, after differentiation and before common subexpressions; its result has no regions any more.
 */
import { must } from '../base/errors.ts';
import { barrier } from '../ir/build.ts';
import { operandsOf, type Fn, type Instr, type ValueId } from '../ir/program.ts';
import { evaluateDim } from '../ir/dim.ts';
import type { Tensor } from '../ir/tensor.ts';
import { elementsOf } from '../ir/types.ts';
import { trimDifferentiated, withoutRegions } from './dce.ts';
import { Rewrite, withEntry, type Differentiated } from './flat.ts';
import { planRecomputation, type RegionPlan } from './recomputePlan.ts';

export interface RecomputeOptions {
  /** Keep the streams that enter every n-th reversible region of a chain; without it only those that enter the first. */
  readonly keepEvery?: number;
}

export function recompute(d: Differentiated, options: RecomputeOptions = {}): Differentiated {
  const rewrite = new Rewrite(d.program);
  const plans = planRecomputation(rewrite.fn, d.backwardStart, options.keepEvery);
  if (plans.length === 0) return trimDifferentiated({ ...d, program: withoutRegions(d.program) });
  const sizes = new Map(d.program.symbols.map((s) => [s.name, s.max]));
  let backwardStart = 0;
  rewrite.fn.body.forEach((instr, index) => {
    if (index === d.backwardStart) backwardStart = rewrite.builder.size;
    for (const plan of plans) {
      if (plan.position !== index) continue;
      new Block(rewrite, plan, sizes, latestCotangent(rewrite, d, plan, index)).emit();
    }
    rewrite.keep(instr);
  });
  const cotangents = [...d.cotangents].map(([id, c]) => [id, rewrite.resolve(c)] as const);
  const program = withoutRegions(withEntry(d.program, rewrite.finish()));
  return trimDifferentiated({ program, backwardStart, cotangents: new Map(cotangents) });
}

/**
 * What a block must wait for: the last complete cotangent of the region's outputs. Where none is complete yet (an output
 * that is also read within the region), the last backward value before the block, which is as late.
 */
function latestCotangent(rewrite: Rewrite, d: Differentiated, plan: RegionPlan, index: number): Tensor {
  const computed = rewrite.fn.body.slice(d.backwardStart, index).flatMap(computedOutputs);
  const ofOutputs = new Set(plan.outputs.map((id) => d.cotangents.get(id)));
  const last = computed.findLast((id) => ofOutputs.has(id)) ?? computed[computed.length - 1];
  return rewrite.tensor(must(last, 'a backward value comes before the first recomputation'));
}

/** Outputs that wait for something: those of an op without inputs could be there at once. */
const computedOutputs = (instr: Instr): readonly ValueId[] => (operandsOf(instr).length === 0 ? [] : instr.outputs);

/** One region's recomputation, emitted where the builder stands. */
class Block {
  readonly #rewrite: Rewrite;
  readonly #plan: RegionPlan;
  readonly #sizes: ReadonlyMap<string, number>;
  readonly #after: Tensor;
  readonly #fn: Fn;
  readonly #params: ReadonlySet<ValueId>;
  /** What stands in this block for a value of the forward part. */
  readonly #late = new Map<ValueId, Tensor>();
  readonly #barriers = new Map<ValueId, Tensor>();
  /** Values that wait for the cotangent, directly or not: an op that reads one of them can't be merged with a forward op. */
  readonly #waiting = new Set<ValueId>();

  constructor(rewrite: Rewrite, plan: RegionPlan, sizes: ReadonlyMap<string, number>, after: Tensor) {
    this.#rewrite = rewrite;
    this.#plan = plan;
    this.#sizes = sizes;
    this.#after = after;
    this.#fn = rewrite.fn;
    this.#params = new Set(rewrite.fn.params.map((p) => p.id));
  }

  emit(): void {
    const { inverse, restored, forward, wanted } = this.#plan;
    this.#copyAll(inverse);
    for (const [stream, again] of restored) {
      const value = must(this.#late.get(again), `restored %${again}`);
      this.#late.set(stream, value);
      this.#rewrite.replace(stream, value);
    }
    this.#copyAll(forward);
    for (const id of wanted) this.#rewrite.replace(id, must(this.#late.get(id), `recomputed %${id}`));
  }

  #copyAll(instrs: readonly Instr[]): void {
    for (const instr of instrs) {
      const inputs = this.#inputsOf(operandsOf(instr));
      const { builder } = this.#rewrite;
      builder.setRegion(undefined);
      const infos = instr.outputs.map((id) => {
        const info = must(this.#fn.values.get(id), `%${id}`);
        return { ...info, path: `${info.path ?? this.#plan.path}/recompute` };
      });
      const copies = builder.append(instr, infos, inputs);
      const waits = inputs.some((x) => this.#waiting.has(x.id));
      instr.outputs.forEach((id, i) => {
        const copy = copies[i] as Tensor;
        if (!this.#late.has(id)) this.#late.set(id, copy);
        if (waits) this.#waiting.add(copy.id);
      });
    }
  }

  /**
   * Activations are read behind a barrier. Parameters are there all the time and are read as they are, unless nothing
   * else would make the op wait: then the smallest of its inputs gets the barrier.
   */
  #inputsOf(ids: readonly ValueId[]): Tensor[] {
    const inputs = ids.map((id) => this.#input(id));
    if (inputs.length === 0 || inputs.some((x) => this.#waiting.has(x.id))) return inputs;
    const sizes = inputs.map((x) => evaluateDim(elementsOf(x.type), this.#sizes));
    const smallest = sizes.indexOf(Math.min(...sizes));
    return inputs.map((x, i) => (i === smallest ? this.#wait(x) : x));
  }

  #input(id: ValueId): Tensor {
    const known = this.#late.get(id);
    if (known) return known;
    const now = this.#rewrite.tensor(id);
    // What another block has computed again already waits; everything else of the forward part gets a barrier.
    const value = this.#params.has(id) ? now : now.id === id ? this.#wait(now) : now;
    if (now.id !== id) this.#waiting.add(now.id);
    this.#late.set(id, value);
    return value;
  }

  #wait(x: Tensor): Tensor {
    const known = this.#barriers.get(x.id);
    if (known) return known;
    this.#rewrite.builder.setPath(`${this.#plan.path}/recompute`);
    const late = barrier(x, this.#after);
    this.#barriers.set(x.id, late);
    this.#waiting.add(late.id);
    return late;
  }
}
