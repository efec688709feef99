/** What nodes do between steps: growth by a segment with resume, masks on gradients, state of their own. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSafetensors } from '../../../engine/checkpoints/safetensors.ts';
import { add, mul, sub } from '../../../engine/ir/build.ts';
import { symbol } from '../../../engine/ir/dim.ts';
import { FP32, type Program } from '../../../engine/ir/program.ts';
import { tensorType } from '../../../engine/ir/types.ts';
import { FnBuilder } from '../../../engine/tracing/builder.ts';
import type { TrainJob } from '../../../engine/trainer/job.ts';
import { ParameterStore, type Slot } from '../../../engine/trainer/parameterStore.ts';
import { readParameters, runTraining } from '../../../engine/trainer/run.ts';
import { editGrowth, firstSegment, type Growth, type SegmentEdit } from '../../../engine/trainer/segments.ts';
import { editStore, type NodeUpdate } from '../../../engine/trainer/updates.ts';
import { nodeFileTree } from '../../support/fileTree.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { RANK_AXIS, smallJob, smallModel } from './smallModel.ts';

const folder = temporaryFolder();

function programOf(build: (builder: FnBuilder) => Parameters<FnBuilder['finish']>[1]): Program {
  const builder = new FnBuilder();
  const fn = builder.finish('update', build(builder));
  const symbols = [{ name: RANK_AXIS, min: 1, max: 64 }];
  return { symbols, functions: new Map([[fn.name, fn]]), entry: fn.name, policy: FP32 };
}

/** Counts its runs in a state of its own, and asks for edits by that count. */
const growing = (edits: (run: number) => readonly SegmentEdit[]): NodeUpdate => ({
  name: 'grow',
  every: 3,
  when: 'parameters',
  program: programOf((builder) => {
    const count = builder.param('state/count', 'state', tensorType('f32', []));
    return [{ name: 'state/count', value: add(count, 1) }];
  }),
  state: new Map([['count', { dtype: 'f32', shape: [], data: Float32Array.of(0) }]]),
  decide: ({ results }) => edits(results.get('state/count')!.data[0] as number),
});

describe('a parameter that grows', () => {
  const model = smallModel({ growing: true });
  const edits = (run: number): readonly SegmentEdit[] => {
    const axis = RANK_AXIS;
    switch (run) {
      case 1:
        return [{ kind: 'append', axis, size: 1 }];
      case 2:
        return [
          { kind: 'freeze', axis, segment: 0 },
          { kind: 'append', axis, size: 2 },
        ];
      case 3:
        return [
          { kind: 'thaw', axis, segment: 0 },
          { kind: 'drop', axis, segment: 1 },
          { kind: 'zero', axis, segment: 2 },
        ];
      default:
        return [];
    }
  };
  const job = (path: string, resume: boolean): TrainJob =>
    smallJob(path, { epochs: 3, evaluate: { kind: 'never' }, checkpoint: { kind: 'steps', steps: 1 } }, model, {
      resume,
      sizes: new Map([[RANK_AXIS, 2]]),
      updates: [growing(edits)],
    });

  it('trains on with every size, logs the edits, and resumes from every step to the same bytes', async () => {
    const calm = join(folder(), 'calm');
    const result = await runTraining(job(calm, false));
    expect(result.steps).toBe(15);
    expect(readParameters(result.adapterFile!).get('lora/A')!.shape).toEqual([4, 6]);
    expect(readParameters(result.adapterFile!).get('lora/B')!.shape).toEqual([6, 4]);
    expect(readParameters(join(calm, 'initial.safetensors')).get('lora/A')!.shape).toEqual([2, 6]);
    const kept = openSafetensors(join(calm, 'checkpoints', 'step-15', 'parameters.safetensors'));
    expect([...kept.tensors.keys()].sort()).toEqual(
      ['head/bias', 'head/weight', 'lora/A', 'lora/A#2', 'lora/B', 'lora/B#2'].sort(),
    );
    const lines = readFileSync(join(calm, 'metrics.jsonl'), 'utf8').trim().split('\n');
    const logged = lines.map((l) => JSON.parse(l) as { event: string; step: number }).filter((l) => l.event === 'edit');
    expect(logged).toEqual([3, 6, 9].map((step) => ({ event: 'edit', step, edits: edits(step / 3) })));

    const stopped = join(folder(), 'stopped');
    for (let n = 1; n < 15; n++) {
      const controller = new AbortController();
      await runTraining(job(stopped, n > 1), {
        signal: controller.signal,
        onEvent: (e) => {
          if (e.kind === 'step') controller.abort();
        },
      });
    }
    await runTraining(job(stopped, true));
    expect(nodeFileTree(stopped)).toEqual(nodeFileTree(calm));
  });

  it('leaves what the others were when an edit comes', () => {
    const slots: readonly Slot[] = [
      { name: 'A', shape: [symbol('r'), 2], decay: true, trained: true, rateFactor: 1 },
      { name: 'B', shape: [2, symbol('r')], decay: true, trained: true, rateFactor: 1 },
      { name: 'c', shape: [3], decay: false, trained: true, rateFactor: 1 },
    ];
    const growth: Growth = new Map([['r', [{ ...firstSegment(2), steps: 5 }]]]);
    const store = new ParameterStore(slots, growth);
    store.values.forEach((_, i) => (store.values[i] = i + 1));
    store.first.forEach((_, i) => (store.first[i] = 100 + i));
    const list: readonly SegmentEdit[] = [{ kind: 'append', axis: 'r', size: 1 }];
    const grown = editGrowth(growth, list, 5);
    expect(grown.get('r')).toEqual([
      { id: 0, size: 2, steps: 5, scheduleStart: 0, frozen: false },
      { id: 1, size: 1, steps: 0, scheduleStart: 5, frozen: false },
    ]);
    const edited = editStore(store, grown, list, (_name, shape) => new Float32Array(shape[0]! * shape[1]!).fill(-1));
    const [a, b] = [store.tensor('A', store.values).data, store.tensor('B', store.values).data];
    expect([...edited.tensor('A', edited.values).data]).toEqual([...a, -1, -1]);
    expect([...edited.tensor('B', edited.values).data]).toEqual([b[0], b[1], -1, b[2], b[3], -1]);
    expect([...edited.tensor('c', edited.first).data]).toEqual([...store.tensor('c', store.first).data]);
    // A gradient of the whole parameter is dealt out to the segments, and read back as it was.
    const gradient = Float32Array.of(1, 2, 3, 4, 5, 6);
    edited.write('B', { dtype: 'f32', shape: [2, 3], data: gradient }, edited.gradients, 'set');
    edited.write('B', { dtype: 'f32', shape: [2, 3], data: gradient }, edited.gradients, 'add');
    expect([...edited.tensor('B', edited.gradients).data]).toEqual([2, 4, 6, 8, 10, 12]);
    // New segments have a count of their own, so they are spans of their own.
    expect(edited.spans(grown).map((s) => s.segment?.steps)).toEqual([0, 5, undefined]);
  });

  it('refuses edits that cannot be', () => {
    const growth: Growth = new Map([['r', [firstSegment(2)]]]);
    expect(() => editGrowth(growth, [{ kind: 'drop', axis: 'r', segment: 4 }], 1)).toThrow('no segment 4');
    expect(() => editGrowth(growth, [{ kind: 'drop', axis: 'r', segment: 0 }], 1)).toThrow('last segment');
    expect(() => editGrowth(growth, [{ kind: 'append', axis: 'q', size: 1 }], 1)).toThrow('no parameter has an axis');
    expect(() => editGrowth(growth, [{ kind: 'append', axis: 'r', size: 0 }], 1)).toThrow('1 or more');
  });
});

describe('an update of gradients', () => {
  it('masks them before the optimizer sees them', async () => {
    const mask: NodeUpdate = {
      name: 'mask',
      every: 1,
      when: 'gradients',
      program: programOf((builder) => {
        const gradient = builder.param('grad/head/bias', 'input', tensorType('f32', [3]));
        return [{ name: 'grad/head/bias', value: mul(gradient, 0) }];
      }),
      state: new Map(),
    };
    const path = join(folder(), 'run');
    await runTraining(smallJob(path, { epochs: 1 }, undefined, { updates: [mask] }));
    const [before, after] = ['initial', 'final'].map((f) => readParameters(join(path, `${f}.safetensors`)));
    expect(after!.get('head/bias')).toEqual(before!.get('head/bias'));
    expect(after!.get('head/weight')).not.toEqual(before!.get('head/weight'));
  });

  it('sees means of gradients, parameters and the step, and may replace parameters', async () => {
    const seen: number[] = [];
    const update: NodeUpdate = {
      name: 'tie',
      every: 2,
      when: 'parameters',
      program: programOf((builder) => {
        const bias = builder.param('head/bias', 'trainable', tensorType('f32', [3]));
        const step = builder.param('step', 'input', tensorType('f32', []));
        return [
          { name: 'head/bias', value: sub(bias, bias) },
          { name: 'seen', value: step },
        ];
      }),
      state: new Map(),
      decide: ({ results }) => {
        seen.push(results.get('seen')!.data[0] as number);
        return [];
      },
    };
    const path = join(folder(), 'run');
    await runTraining(smallJob(path, { epochs: 1, maxSteps: 4 }, undefined, { updates: [update] }));
    expect(seen).toEqual([2, 4]);
    expect([...readParameters(join(path, 'final.safetensors')).get('head/bias')!.data]).toEqual([0, 0, 0]);
  });
});
