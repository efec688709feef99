/**
 * The phases of compilation as data, in the order that is an invariant:
 *
 *   inline -> packing -> rowSelection -> frozenDropout -> backward -> frontier -> recomputation
 *          -> cse -> fold -> dce -> schedule -> layout -> lower
 *
 * What a phase needs comes in as an option; a phase without its option does nothing, and every phase that is optional can
 * be switched off without changing a number. Differentiation is handed in, since it is a layer beside this one. After the
 * frontier has split the program, later phases run over both parts.
 */
import type { Program } from '../ir/program.ts';
import { verifyProgram } from '../ops/verify.ts';
import { mergeCommonSubexpressions } from './cse.ts';
import { eliminateDeadCode, trimDifferentiated, withoutRegions } from './dce.ts';
import type { Differentiated } from './flat.ts';
import { foldProgram } from './fold.ts';
import { splitAtFrontier, type CachedValue, type FrontierOptions } from './frontier.ts';
import { inlineDifferentiated, inlineProgram } from './inline.ts';
import { recompute, type RecomputeOptions } from './recompute.ts';
import { sinkCheapInstructions } from './schedule.ts';

export type Pass = (program: Program) => Program;

export interface PipelineOptions {
  readonly packing?: Pass;
  readonly rowSelection?: Pass;
  readonly frozenDropout?: Pass;
  /** Appends the backward part; without it the program only runs forward. */
  readonly backward?: (program: Program) => Differentiated;
  /** What the frontier needs to know of the program; undefined when nothing shall be cached. */
  readonly frontier?: (program: Program) => FrontierOptions | undefined;
  readonly recomputation?: RecomputeOptions;
  /** Forward and backward part share no subexpressions: less memory, more work. */
  readonly shareNothing?: boolean;
  readonly layout?: Pass;
  readonly lower?: Pass;
  /** Optional phases that are switched off. */
  readonly off?: ReadonlySet<PhaseName>;
  /** Runs the verifier after every phase. */
  readonly verify?: boolean;
}

/** A program on its way; `backward` is known from differentiation until the order of instructions changes. */
interface State {
  readonly program: Program;
  readonly backward?: Differentiated;
  readonly prefix?: Program;
  readonly cached: readonly CachedValue[];
}

interface Phase {
  readonly name: string;
  /** Whether it can be switched off. */
  readonly optional: boolean;
  readonly run: (state: State, options: PipelineOptions) => State;
  /** What is done instead when it is off. */
  readonly otherwise?: (state: State) => State;
}

const whole =
  (pass: (options: PipelineOptions) => Pass | undefined): Phase['run'] =>
  (state, options) => {
    const run = pass(options) ?? ((program: Program) => program);
    const prefix = state.prefix && run(state.prefix);
    return { program: run(state.program), cached: state.cached, ...(prefix ? { prefix } : {}) };
  };

const differentiated = (state: State, backward: Differentiated): State => ({
  ...state,
  backward,
  program: backward.program,
});

const atFrontier: Phase['run'] = (state, options) => {
  const wanted = options.frontier?.(state.program);
  const split = state.backward && wanted && splitAtFrontier(state.backward, wanted);
  return split ? { ...differentiated(state, split.rest), prefix: split.prefix, cached: split.cached } : state;
};

const recomputed: Phase['run'] = (state, options) =>
  state.backward
    ? differentiated(state, recompute(state.backward, options.recomputation))
    : { ...state, program: withoutRegions(state.program) };

/** Without recomputation nothing reads the inverses of reversible regions any more. */
const kept = (state: State): State => {
  const program = withoutRegions(state.program);
  return state.backward
    ? differentiated(state, trimDifferentiated({ ...state.backward, program }))
    : { ...state, program: eliminateDeadCode(program) };
};

const merged: Phase['run'] = (state, options) => {
  const apart = options.shareNothing === true ? state.backward?.backwardStart : undefined;
  const program = mergeCommonSubexpressions(state.program, apart === undefined ? {} : { apartFrom: apart });
  const prefix = state.prefix && mergeCommonSubexpressions(state.prefix);
  return { program, cached: state.cached, ...(prefix ? { prefix } : {}) };
};

export const PHASES = [
  { name: 'inline', optional: false, run: whole(() => (p) => inlineProgram(p, { customVjp: false, inverses: true })) },
  { name: 'packing', optional: true, run: whole((o) => o.packing) },
  { name: 'rowSelection', optional: true, run: whole((o) => o.rowSelection) },
  // Off or on is a choice of the person, since dropout changes what is trained.
  { name: 'frozenDropout', optional: false, run: whole((o) => o.frozenDropout) },
  {
    name: 'backward',
    optional: false,
    run: (state, { backward }) =>
      backward
        ? differentiated(state, inlineDifferentiated(backward(state.program)))
        : { ...state, program: inlineProgram(state.program) },
  },
  { name: 'frontier', optional: true, run: atFrontier },
  { name: 'recomputation', optional: true, run: recomputed, otherwise: kept },
  { name: 'cse', optional: true, run: merged },
  { name: 'fold', optional: true, run: whole(() => foldProgram) },
  { name: 'dce', optional: true, run: whole(() => eliminateDeadCode) },
  { name: 'schedule', optional: true, run: whole(() => sinkCheapInstructions) },
  { name: 'layout', optional: true, run: whole((o) => o.layout) },
  { name: 'lower', optional: false, run: whole((o) => o.lower) },
] as const satisfies readonly Phase[];

export type PhaseName = (typeof PHASES)[number]['name'];

export const OPTIONAL_PHASES: readonly PhaseName[] = PHASES.filter((p) => p.optional).map((p) => p.name);

export interface Stage {
  readonly phase: PhaseName;
  readonly program: Program;
  readonly prefix?: Program;
}

export interface PipelineResult {
  /** The program to run; with a prefix, its inputs `cache/0`, ... are the results of the prefix. */
  readonly program: Program;
  readonly prefix: Program | undefined;
  readonly cached: readonly CachedValue[];
  /** The program after each phase that ran, for `espalier inspect`. */
  readonly stages: readonly Stage[];
}

export function runPipeline(program: Program, options: PipelineOptions = {}): PipelineResult {
  let state: State = { program, cached: [] };
  const stages: Stage[] = [];
  for (const phase of PHASES as readonly (Phase & { readonly name: PhaseName })[]) {
    const off = phase.optional && options.off?.has(phase.name) === true;
    state = off ? (phase.otherwise?.(state) ?? state) : phase.run(state, options);
    if (off) continue;
    if (options.verify === true) {
      verifyProgram(state.program);
      if (state.prefix) verifyProgram(state.prefix);
    }
    stages.push({ phase: phase.name, program: state.program, ...(state.prefix ? { prefix: state.prefix } : {}) });
  }
  return { program: state.program, prefix: state.prefix, cached: state.cached, stages };
}
