/**
 * Reverse-mode differentiation of a flat function, as an ordinary rewriting of it: the result is again a function of the
 * same ops, so it may be differentiated again. Only values between a wanted parameter and the differentiated result are walked.
 */
import { BugError, must } from '../base/errors.ts';
import { add, constant } from '../ir/build.ts';
import { dependents } from '../ir/dataflow.ts';
import type { Instr, OpInstr, Program, ValueId } from '../ir/program.ts';
import type { Tensor } from '../ir/tensor.ts';
import { ruleOf } from '../ops/table.ts';
import { FnBuilder } from '../tracing/builder.ts';

export interface GradientRequest {
  /** Name of the scalar result that is differentiated. */
  readonly of: string;
  /** Names of the parameters whose gradients are wanted; each becomes a result `grad/NAME`. */
  readonly wrt: readonly string[];
  /** Prefix of the gradients' result names; `grad/` by default. */
  readonly prefix?: string;
}

export interface Differentiated {
  readonly program: Program;
  /** Index of the first instruction of the backward part. */
  readonly backwardStart: number;
  /** The cotangent of each forward value that got one; passes need it to place recomputation. */
  readonly cotangents: ReadonlyMap<ValueId, ValueId>;
}

/** Appends the backward part to the entry of a flat program. */
export function differentiate(program: Program, request: GradientRequest): Differentiated {
  const fn = must(program.functions.get(program.entry), 'the entry exists');
  const target = must(
    fn.results.find((r) => r.name === request.of),
    `a result named "${request.of}"`,
  ).id;
  if (must(fn.values.get(target), request.of).type.shape.length !== 0)
    throw new BugError(`"${request.of}" is not a scalar`);
  const wanted = request.wrt.map(
    (name) =>
      must(
        fn.params.find((p) => p.name === name),
        `a parameter named "${name}"`,
      ).id,
  );
  const live = dependents(fn, new Set(wanted));
  const builder = FnBuilder.continuing(fn);
  const backwardStart = fn.body.length;
  const cotangents = new Map<ValueId, Tensor>();
  const seed = builder.tensor(target);
  cotangents.set(target, constant(seed, seed.type.dtype, [], 1));
  for (let i = fn.body.length - 1; i >= 0; i--) {
    const instr = fn.body[i] as Instr;
    if (!instr.outputs.some((id) => cotangents.has(id)) || !instr.outputs.some((id) => live.has(id))) continue;
    const path = builder.info(instr.outputs[0] as ValueId).path;
    builder.setPath(path === undefined ? 'backward' : `${path}/backward`);
    const grads = pullBack(program, builder, instr, cotangents, live);
    (instr as OpInstr).inputs.forEach((id, k) => {
      const g = grads[k];
      if (!g || !live.has(id)) return;
      const known = cotangents.get(id);
      cotangents.set(id, known ? add(known, g) : g);
    });
  }
  builder.setPath(undefined);
  const prefix = request.prefix ?? 'grad/';
  const results = [
    ...fn.results.map((r) => ({ name: r.name, value: builder.tensor(r.id) })),
    ...request.wrt.map((name, i) => {
      const id = wanted[i] as ValueId;
      const type = builder.tensor(id).type;
      return {
        name: `${prefix}${name}`,
        value: cotangents.get(id) ?? constant(builder.tensor(id), type.dtype, type.shape, 0),
      };
    }),
  ];
  const functions = new Map(program.functions);
  functions.set(fn.name, builder.finish(fn.name, results, fn.origin));
  return {
    program: { ...program, functions },
    backwardStart,
    cotangents: new Map([...cotangents].map(([id, c]) => [id, c.id])),
  };
}

function pullBack(
  program: Program,
  builder: FnBuilder,
  instr: Instr,
  cotangents: ReadonlyMap<ValueId, Tensor>,
  live: ReadonlySet<ValueId>,
): readonly (Tensor | undefined)[] {
  if (instr.kind === 'repeat') throw new BugError('inline before differentiating');
  const inputs = instr.inputs.map((id) => builder.tensor(id));
  const outputs = instr.outputs.map((id) => builder.tensor(id));
  const given = instr.outputs.map((id) => cotangents.get(id));
  if (instr.kind === 'op') {
    const wants = instr.inputs.map((id) => live.has(id));
    return ruleOf(instr.op).vjp({ attrs: instr.attrs, inputs, outputs, cotangents: given, wants });
  }
  if (instr.region.kind !== 'customVjp') throw new BugError(`call ${instr.site} should have been inlined`);
  const vjp = must(program.functions.get(instr.region.vjp), `function ${instr.region.vjp}`);
  const filled = outputs.map((o, i) => given[i] ?? constant(o, o.type.dtype, o.type.shape, 0));
  return builder.call(vjp, `${instr.site}Vjp`, [...inputs, ...outputs, ...filled], { kind: 'plain' });
}
