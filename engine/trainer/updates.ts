/**
 * What nodes do between optimizer steps (design 1.3): masks on gradients (child-tuning), importance scores and budgets
 * (AdaLoRA), growth (IncreLoRA). An update is a traced Program, a pure function of parameters, gradients, its own state and
 * the step, run by the backend of the model; what it decides about the size of parameters is data (`SegmentEdit`), decided
 * from the Program's results by a pure function.
 */
import { BugError, must } from '../base/errors.ts';
import type { Executable, HostTensor } from '../backends/executable.ts';
import type { Program } from '../ir/program.ts';
import type { TrainerBackend } from './backend.ts';
import type { UpdateStates } from './checkpoint.ts';
import { firstNonFinite, scalar } from './optimizer.ts';
import { ParameterStore } from './parameterStore.ts';
import { namesOf } from './programs.ts';
import type { Growth, SegmentEdit } from './segments.ts';

/** Names of an update's inputs and results besides parameters (by path): `grad/PATH`, `state/NAME`, `step`. */
export const UPDATE = { gradient: 'grad/', state: 'state/', step: 'step' } as const;

export interface NodeUpdate {
  /** Unique in a run; its state is kept under this name. */
  readonly name: string;
  /** Runs with every so many optimizer steps. */
  readonly every: number;
  /**
   * `gradients`: before the optimizer step, and may replace gradients. `parameters`: after it, and may replace parameters.
   * Both see the mean gradients of the step, before clipping.
   */
  readonly when: 'gradients' | 'parameters';
  readonly program: Program;
  /** State before the first step, by name. */
  readonly state: ReadonlyMap<string, HostTensor>;
  /** Changes of growing axes after this step; only of updates that run after the optimizer step. */
  readonly decide?: (context: {
    readonly step: number;
    readonly growth: Growth;
    readonly results: ReadonlyMap<string, HostTensor>;
  }) => readonly SegmentEdit[];
}

/** The updates of a run, compiled, with their state. */
export class NodeUpdates {
  readonly #updates: readonly { readonly update: NodeUpdate; readonly executable: Executable }[];
  readonly #state: Map<string, Map<string, HostTensor>>;

  private constructor(updates: readonly { update: NodeUpdate; executable: Executable }[]) {
    this.#updates = updates;
    this.#state = new Map(updates.map(({ update }) => [update.name, new Map(update.state)]));
  }

  static async compile(updates: readonly NodeUpdate[], backend: TrainerBackend): Promise<NodeUpdates> {
    const compiled: { update: NodeUpdate; executable: Executable }[] = [];
    for (const update of updates) {
      if (compiled.some((c) => c.update.name === update.name))
        throw new BugError(`two node updates are named "${update.name}"`);
      if (update.when === 'gradients' && update.decide)
        throw new BugError(`update "${update.name}" runs before the optimizer step and can't change sizes`);
      compiled.push({ update, executable: await backend.compile(update.program) });
    }
    return new NodeUpdates(compiled);
  }

  get state(): UpdateStates {
    return this.#state;
  }

  /** Puts back what a checkpoint kept. */
  restore(read: (update: string, name: string) => Float32Array): void {
    for (const [update, tensors] of this.#state)
      for (const [name, tensor] of tensors) tensors.set(name, { ...tensor, data: read(update, name) });
  }

  /**
   * Runs the updates that are due in the step after `step` ones. `scale` makes the gradients of the store means. Returns
   * the edits, in the order of the updates. Throws a `BugError` where an update makes a value that is no finite number.
   */
  async run(
    when: NodeUpdate['when'],
    store: ParameterStore,
    growth: Growth,
    step: number,
    scale: number,
  ): Promise<readonly SegmentEdit[]> {
    const edits: SegmentEdit[] = [];
    for (const { update, executable } of this.#updates) {
      if (update.when !== when || (step + 1) % update.every !== 0) continue;
      const results = await executable.run(this.#feeds(update, store, step, scale));
      for (const [name, tensor] of results) this.#take(update, store, name, tensor, scale);
      edits.push(...(update.decide?.({ step: step + 1, growth, results }) ?? []));
    }
    return edits;
  }

  async dispose(): Promise<void> {
    for (const { executable } of this.#updates) await executable.dispose();
  }

  #feeds(update: NodeUpdate, store: ParameterStore, step: number, scale: number): Map<string, HostTensor> {
    const feeds = new Map<string, HostTensor>();
    for (const name of namesOf(update.program, 'trainable')) feeds.set(name, store.tensor(name, store.values));
    for (const name of namesOf(update.program, 'state')) feeds.set(name, this.#stateOf(update, name));
    for (const name of namesOf(update.program, 'input')) {
      if (name === UPDATE.step) feeds.set(name, scalar(step + 1));
      else if (name.startsWith(UPDATE.gradient)) {
        const sum = store.tensor(name.slice(UPDATE.gradient.length), store.gradients);
        feeds.set(name, { ...sum, data: (sum.data as Float32Array).map((x) => x * scale) });
      } else throw new BugError(`update "${update.name}" knows no input "${name}"`);
    }
    return feeds;
  }

  #stateOf(update: NodeUpdate, name: string): HostTensor {
    const key = name.startsWith(UPDATE.state) ? name.slice(UPDATE.state.length) : name;
    return must(this.#state.get(update.name)?.get(key), `update "${update.name}" has state "${key}"`);
  }

  /** Results named as parameters, gradients or state replace them; others are for `decide` alone. */
  #take(update: NodeUpdate, store: ParameterStore, name: string, tensor: HostTensor, scale: number): void {
    const data = tensor.data as Float32Array;
    const isParameter = store.slots.some((s) => s.name === name);
    const gradient = name.startsWith(UPDATE.gradient) ? name.slice(UPDATE.gradient.length) : undefined;
    const state = name.startsWith(UPDATE.state) ? name.slice(UPDATE.state.length) : undefined;
    if (!isParameter && gradient === undefined && state === undefined) return;
    if (firstNonFinite(data) >= 0) throw new BugError(`update "${update.name}" made "${name}" no finite number`);
    if (gradient !== undefined)
      store.write(gradient, { ...tensor, data: data.map((x) => x / scale) }, store.gradients, 'set');
    else if (state !== undefined) must(this.#state.get(update.name), update.name).set(state, tensor);
    else store.write(name, tensor, store.values, 'set');
  }
}

/** The store for the segments that `growth` has after `edits`: kept pieces keep values and moments, new ones begin. */
export function editStore(
  store: ParameterStore,
  growth: Growth,
  edits: readonly SegmentEdit[],
  initial: (name: string, shape: readonly number[], segment: number) => Float32Array,
): ParameterStore {
  const edited = new ParameterStore(store.slots, growth);
  edited.copyFrom(store);
  const known = new Set(store.pieces.map((p) => `${p.name}#${p.segment}`));
  for (const piece of edited.pieces) {
    if (!known.has(`${piece.name}#${piece.segment}`))
      edited.values.set(initial(piece.name, piece.shape, piece.segment), piece.offset);
  }
  for (const edit of edits) {
    if (edit.kind !== 'zero') continue;
    for (const piece of edited.pieces) {
      if (piece.segment !== edit.segment || edited.axisSymbol(piece.name) !== edit.axis) continue;
      for (const buffer of [edited.values, edited.first, edited.second])
        buffer.fill(0, piece.offset, piece.offset + piece.length);
    }
  }
  return edited;
}
