/**
 * What recomputation has to do, per region, before anything is emitted: which forward values the backward part reads, the
 * instructions that give them again, the inverse that restores the streams, and where in the backward part it must stand.
 */
import { operandsOf, type Fn, type Instr, type RegionInstance, type ValueId } from '../ir/program.ts';
import { tagOf } from './flat.ts';

export interface RegionPlan {
  readonly path: string;
  readonly outputs: readonly ValueId[];
  /** Forward values that are computed again for the backward part. */
  readonly wanted: readonly ValueId[];
  /** The instructions of the region that give them, in order. */
  readonly forward: readonly Instr[];
  /** Streams that go in, and the value of the inverse that gives each again. */
  readonly restored: readonly (readonly [ValueId, ValueId])[];
  /** The instructions of the inverse, in order. */
  readonly inverse: readonly Instr[];
  /** Index of the instruction of the backward part before which it all stands. */
  readonly position: number;
}

/** A region while plans are made. */
interface Draft {
  readonly instance: RegionInstance;
  readonly members: readonly Instr[];
  /** Index of its last instruction. */
  readonly end: number;
  /** Values of the region that stay alive after the forward part anyway, so that nothing is won by computing them again. */
  readonly kept: ReadonlySet<ValueId>;
  /** Streams that are restored rather than kept; empty for a checkpoint. */
  readonly restored: readonly (readonly [ValueId, ValueId])[];
  /** The reversible region whose streams come in here. */
  readonly previous: Draft | undefined;
  readonly depth: number;
}

/** Plans in the order in which the backward part needs them: the last region first. */
export function planRecomputation(fn: Fn, backwardStart: number, keepEvery: number | undefined): RegionPlan[] {
  const drafts = draftRegions(fn, backwardStart, keepEvery);
  const firstRead = new Map<ValueId, number>();
  for (let i = fn.body.length - 1; i >= backwardStart; i--) {
    for (const id of operandsOf(fn.body[i] as Instr)) firstRead.set(id, i);
  }
  const plans: RegionPlan[] = [];
  const positions = new Map<Draft, number>();
  // Forward order: a region that restores the streams of an earlier one must stand before that one's block.
  for (const draft of drafts) {
    const wanted = [...new Set(draft.members.flatMap((m) => m.outputs))].filter(
      (id) => firstRead.has(id) && !draft.kept.has(id),
    );
    const streams = draft.restored.map(([id]) => id);
    const below = draft.previous && streams.length > 0 ? positions.get(draft.previous) : undefined;
    const reads = [...wanted, ...streams].flatMap((id) => firstRead.get(id) ?? []);
    if (reads.length === 0 && below === undefined) continue;
    const position = Math.min(...reads, below ?? Infinity);
    positions.set(draft, position);
    plans.push({ ...planOf(fn, draft, wanted), position });
  }
  return plans.reverse();
}

function planOf(fn: Fn, draft: Draft, wanted: readonly ValueId[]): Omit<RegionPlan, 'position'> {
  const { instance, members, kept, restored, end } = draft;
  const forward = slice(members, wanted, kept);
  const after = fn.body.slice(end + 1).filter((instr) => tagOf(instr) === undefined);
  const inverse = slice(
    after,
    restored.map(([, again]) => again),
    new Set(instance.outputs),
  );
  return { path: instance.path, outputs: instance.outputs, wanted, forward, restored, inverse };
}

/** Those of `instrs` that the wanted values need, in order; values in `given` are not traced further. */
function slice(instrs: readonly Instr[], wanted: readonly ValueId[], given: ReadonlySet<ValueId>): Instr[] {
  const needed = new Set(wanted.filter((id) => !given.has(id)));
  const taken: Instr[] = [];
  for (let i = instrs.length - 1; i >= 0; i--) {
    const instr = instrs[i] as Instr;
    if (!instr.outputs.some((id) => needed.has(id))) continue;
    taken.push(instr);
    for (const id of operandsOf(instr)) if (!given.has(id)) needed.add(id);
  }
  return taken.reverse();
}

function draftRegions(fn: Fn, backwardStart: number, keepEvery: number | undefined): Draft[] {
  const forward = fn.body.slice(0, backwardStart);
  const results = new Set(fn.results.map((r) => r.id));
  const drafts: Draft[] = [];
  (fn.regions ?? []).forEach((instance, tag) => {
    const members = forward.filter((instr) => tagOf(instr) === tag);
    if (members.length === 0) return;
    const end = forward.lastIndexOf(members[members.length - 1] as Instr);
    const inner = new Set(members.flatMap((instr) => instr.outputs));
    const escaping = escapes(forward, inner, tag, results);
    const chain = chainOf(instance, drafts);
    const depth = chain ? chain.depth + 1 : 0;
    const pairIsKept = depth === 0 || (keepEvery !== undefined && depth % keepEvery === 0);
    const streams = streamsOf(instance);
    const restored = pairIsKept ? [] : streams.flatMap((id, i) => restoredPair(instance, id, i, results));
    drafts.push({ instance, members, end, kept: escaping, restored, previous: chain, depth });
  });
  return drafts;
}

/** Values of a region that the forward part reads outside of it, or that are results. */
function escapes(
  forward: readonly Instr[],
  inner: ReadonlySet<ValueId>,
  tag: number,
  results: ReadonlySet<ValueId>,
): ReadonlySet<ValueId> {
  const out = new Set([...inner].filter((id) => results.has(id)));
  for (const instr of forward) {
    if (tagOf(instr) === tag) continue;
    for (const id of operandsOf(instr)) if (inner.has(id)) out.add(id);
  }
  return out;
}

/** The streams of a region that can be restored; none for a checkpoint, or where a pass took the region apart. */
const streamsOf = ({ region, inputs, restored }: RegionInstance): readonly ValueId[] =>
  region.kind === 'reversible' && restored ? inputs.slice(0, region.streams) : [];

/** The region whose outputs are exactly the streams that come in. */
function chainOf(instance: RegionInstance, drafts: readonly Draft[]): Draft | undefined {
  const streams = streamsOf(instance);
  if (streams.length === 0) return undefined;
  return drafts.find((d) => streamsOf(d.instance).length > 0 && streams.every((id) => d.instance.outputs.includes(id)));
}

/** A result is kept as it is, so nothing is won by restoring it. */
function restoredPair(
  instance: RegionInstance,
  stream: ValueId,
  index: number,
  results: ReadonlySet<ValueId>,
): (readonly [ValueId, ValueId])[] {
  const again = instance.restored?.[index];
  return again === undefined || results.has(stream) ? [] : [[stream, again]];
}
