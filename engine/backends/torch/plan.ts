/** Decides before any code is written which ops are taken together by a pattern, from the last op to the first. */
import type { Fn, Instr, OpInstr, ValueId } from '../../ir/program.ts';
import { matchPattern, type Match, type Matcher } from './patterns.ts';

export interface Plan {
  /** The pattern that an op ends. */
  readonly matches: ReadonlyMap<OpInstr, Match>;
  /** Ops that are within a pattern and have no code of their own. */
  readonly inside: ReadonlySet<Instr>;
  /** How often the code will read a value. */
  readonly uses: ReadonlyMap<ValueId, number>;
}

export interface PlanRequest {
  readonly fn: Fn;
  /** Values that the end of the code reads. */
  readonly results: readonly ValueId[];
  readonly dataOf: (instr: Instr) => readonly ValueId[];
  /** What patterns may ask; `inner` is added here. */
  readonly matcher: (instr: OpInstr) => Omit<Matcher, 'inner' | 'made'>;
}

export function planCode({ fn, results, dataOf, matcher }: PlanRequest): Plan {
  const made = new Map<ValueId, OpInstr>();
  const users = new Map<ValueId, Instr[]>();
  for (const instr of fn.body) {
    for (const id of dataOf(instr)) users.set(id, [...(users.get(id) ?? []), instr]);
    if (instr.kind === 'op') for (const id of instr.outputs) made.set(id, instr);
  }
  const isResult = new Set(results);
  const inner = (id: ValueId): OpInstr | undefined => {
    const isNamed = fn.values.get(id)?.name !== undefined;
    return users.get(id)?.length === 1 && !isResult.has(id) && !isNamed ? made.get(id) : undefined;
  };
  const matches = new Map<OpInstr, Match>();
  const inside = new Set<Instr>();
  for (const instr of [...fn.body].reverse()) {
    if (instr.kind !== 'op' || inside.has(instr)) continue;
    const [first, ...others] = instr.outputs;
    if (first === undefined || others.some((id) => users.has(id) || isResult.has(id))) continue;
    const match = matchPattern(instr, { ...matcher(instr), inner, made: (id) => made.get(id) });
    if (!match) continue;
    matches.set(instr, match);
    takeIn(instr, match, made, users, isResult, inside);
  }
  const uses = new Map<ValueId, number>();
  const count = (id: ValueId): void => void uses.set(id, (uses.get(id) ?? 0) + 1);
  for (const instr of fn.body) {
    if (inside.has(instr)) continue;
    const match = instr.kind === 'op' ? matches.get(instr) : undefined;
    for (const id of match ? match.operands : dataOf(instr)) count(id);
  }
  for (const id of results) count(id);
  return { matches, inside, uses };
}

/** The ops between a pattern's operands and its end, as far as nothing else reads what they make. */
function takeIn(
  end: OpInstr,
  match: Match,
  made: ReadonlyMap<ValueId, OpInstr>,
  users: ReadonlyMap<ValueId, readonly Instr[]>,
  isResult: ReadonlySet<ValueId>,
  inside: Set<Instr>,
): void {
  const operands = new Set(match.operands);
  const pending: Instr[] = [end];
  const reached = new Set<Instr>([end]);
  for (let instr = pending.pop(); instr !== undefined; instr = pending.pop()) {
    if (instr.kind !== 'op') continue;
    for (const id of instr.inputs) {
      const maker = operands.has(id) ? undefined : made.get(id);
      if (!maker || reached.has(maker)) continue;
      const onlyHere = maker.outputs.every(
        (o) => !isResult.has(o) && (users.get(o) ?? []).every((u) => reached.has(u)),
      );
      if (!onlyHere) continue;
      reached.add(maker);
      pending.push(maker);
    }
  }
  reached.delete(end);
  for (const instr of reached) inside.add(instr);
}
