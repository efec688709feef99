/** Twenty AdamW steps of the trainer on MiniLM against PyTorch: the losses, with clipping, warm-up and decay groups. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HostTensor, WeightSource } from '../../engine/backends/executable.ts';
import { compileOnnx } from '../../engine/backends/onnx/compile.ts';
import { must } from '../../engine/base/errors.ts';
import { openCheckpoint } from '../../engine/checkpoints/checkpoint.ts';
import { compileModel } from '../../engine/compile/model.ts';
import { runTraining } from '../../engine/trainer/run.ts';
import { DEFAULT_SETTINGS } from '../../engine/trainer/settings.ts';
import { evaluationProgram, trainingProgram } from '../../engine/workflow/programs.ts';
import { startOracle, type Oracle } from '../support/oracle.ts';
import { documentFor, tensorFor, type ParityCase } from '../support/parity.ts';
import { starterModelFolder } from '../support/starter.ts';
import { readTensors } from '../support/tensors.ts';
import { MAIN, REGISTRY } from '../support/tinyModels.ts';
import { MINILM } from '../support/backbones.ts';

const IDS = [
  [101, 2023, 3185, 2003, 2307, 999, 102],
  [101, 1045, 2123, 1005, 1056, 2113, 2054, 2000, 2228, 1997, 2023, 102],
  [101, 3100, 102],
];
const LABELS = [2, 0, 1];
const STEPS = 20;
let oracle: Oracle;
let folder = '';
beforeAll(() => {
  oracle = startOracle();
  folder = mkdtempSync(join(tmpdir(), 'espalier-steps-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await oracle.close();
});

const C: ParityCase = { title: 'steps', preset: 'lora', params: { r: 4 }, methods: [{ kind: 'lora', r: 4, alpha: 8 }] };

test('the losses of twenty steps', async () => {
  const starter = starterModelFolder();
  const model = { folder: starter, task: 'classification', labels: 3, methods: C.methods };
  const tensors = join(folder, 'initial.safetensors');
  await oracle.request('initial', { ...model, seed: 11, out: tensors });
  const lengths = IDS.map((r) => r.length);
  const T = Math.max(...lengths);
  const padded = IDS.map((row) => [...row, ...Array.from({ length: T - row.length }, () => 0)]);
  const schedule = { kind: 'linear', warmup: 3, total: STEPS };
  const theirs = await oracle.request<{ losses: number[] }>('model_run', {
    ...model,
    tensors,
    batch: { ids: padded, lengths, labels: LABELS },
    want: ['steps'],
    steps: { n: STEPS, lr: 2e-3, weight_decay: 0.1, clip: 1, decay_exclude: ['.*bias$'], schedule },
  });

  const checkpoint = openCheckpoint(starter);
  const document = documentFor(MINILM, C);
  const { compiled } = compileModel({ document, model: MAIN, registry: REGISTRY, training: false });
  const training = must(compiled, 'compiled');
  const given = readTensors(tensors);
  const startFrom = new Map(
    training.parameters
      .filter((p) => p.role === 'trainable')
      .map((p): [string, HostTensor] => {
        const t = tensorFor(p.name, given);
        return [p.name, { dtype: 'f32', shape: t.shape, data: Float32Array.from(t.data) }];
      }),
  );
  const sources = new Map(
    training.parameters.flatMap((p): [string, WeightSource][] => {
      if (!p.source) return [];
      const { file, entry } = must(checkpoint.tensors.get(p.source.tensor), p.name);
      return [
        [
          p.name,
          {
            kind: 'file',
            path: file.path,
            offset: entry.begin,
            length: entry.end - entry.begin,
            shape: entry.shape,
            dtype: 'f32',
          },
        ],
      ];
    }),
  );
  const offsets = Int32Array.from([0, ...lengths.map((_, i) => lengths.slice(0, i + 1).reduce((a, b) => a + b, 0))]);
  const ids = Int32Array.from(IDS.flat());
  await runTraining({
    folder: join(folder, 'run'),
    resume: false,
    programs: { train: trainingProgram(training), evaluate: evaluationProgram(training) },
    model: training,
    backend: {
      identity: 'onnx',
      compile: (program) => compileOnnx(program, { weights: sources, workFolder: folder, threads: 2 }),
    },
    weights: { read: (name) => checkpoint.readFloat32(name.slice('backbone:'.length)) },
    weightsKey: 'starter',
    firstPosition: 0,
    startFrom,
    trainSet: {
      encoded: {
        key: 'x',
        rows: 3,
        maxLength: T,
        padId: 0,
        offsets,
        ids,
        typeIds: new Uint8Array(ids.length),
        cut: new Int32Array(3),
      },
      targets: { kind: 'classification', labels: ['a', 'b', 'c'], classes: Int32Array.from(LABELS) },
      file: 'three.csv',
      rowNumbers: Int32Array.of(1, 2, 3),
      key: 'three',
    },
    settings: {
      ...DEFAULT_SETTINGS,
      epochs: STEPS,
      batchSize: 3,
      learningRate: 2e-3,
      weightDecay: 0.1,
      warmup: { kind: 'steps', steps: 3 },
      evaluate: { kind: 'never' },
      checkpoint: { kind: 'never' },
      keep: 'last',
    },
  });
  const lines = readFileSync(join(folder, 'run', 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((l) => JSON.parse(l) as { event: string; loss: number });
  const ours = lines.filter((l) => l.event === 'step').map((l) => l.loss);
  expect(ours).toHaveLength(STEPS);
  expect(theirs.losses[0]).toBeGreaterThan(2 * must(theirs.losses[STEPS - 1], 'last'));
  ours.forEach((loss, i) =>
    expect(Math.abs(loss - must(theirs.losses[i], 'loss')), `step ${i}`).toBeLessThan(
      1e-3 * Math.max(1, must(theirs.losses[i], 'loss')),
    ),
  );
});
