/**
 * Where a training step spends its time: the step Program of a document on one batch, with ONNX Runtime's own profile
 * summed by kind of node. Each node counts with its best time over the runs, because the machine is shared.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { must } from '../../engine/base/errors.ts';
import { compileOnnx } from '../../engine/backends/onnx/compile.ts';
import type { HostTensor } from '../../engine/backends/executable.ts';
import type { Batch } from '../../engine/data/batches.ts';
import { batchFeeds, declaredInputs } from '../../engine/trainer/feeds.ts';
import { initialValues } from '../../engine/trainer/initialValues.ts';
import { modelWeights } from '../../engine/workflow/weights.ts';
import { median, round, sum } from './bench.ts';
import { benchModel } from './loaded.ts';
import { stepProgram } from './stepProgram.ts';

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly dur: number;
  readonly args?: { readonly op_name?: string };
}

export interface Profile {
  /** Median time of `Executable.run`: host-made inputs, noise, the session and the results. */
  readonly run_ms: number;
  /** Sum of the best times of all nodes. */
  readonly nodes_ms: number;
  readonly by_op: readonly {
    readonly op: string;
    readonly nodes: number;
    readonly ms: number;
    readonly share: number;
  }[];
}

const RUNS = 6;

export async function profileStep(document: string, batch: Batch, threads: number, folder: string): Promise<Profile> {
  const { compiled, backbone, firstPosition } = benchModel(document);
  const program = stepProgram(compiled);
  const weights = modelWeights(compiled.parameters, backbone, []);
  const prefix = join(folder, 'profile');
  const options = { weights: weights.sources, workFolder: folder, threads };
  const executable = await compileOnnx(program, { ...options, profilePrefix: prefix });
  const scales = new Map(compiled.losses.map((l) => [l.name, l.coefficient]));
  const times: number[] = [];
  for (let i = 0; i < RUNS; i++) {
    const context = { firstPosition, noiseKey: [i, 1] as const, scales };
    const feeds = new Map<string, HostTensor>([
      ...batchFeeds(declaredInputs(program), batch, context),
      ...initialValues(compiled.parameters, weights.reader, 0),
    ]);
    const from = performance.now();
    await executable.run(feeds);
    times.push(performance.now() - from);
  }
  await executable.dispose();
  return { run_ms: round(median(times), 1), ...summarise(prefix) };
}

/** Kinds of nodes by time, largest first. */
function summarise(prefix: string): Omit<Profile, 'run_ms'> {
  const file = readdirSync(dirname(prefix)).filter((f) => f.startsWith(basename(prefix)));
  const path = join(dirname(prefix), must(file.sort().pop(), 'a profile was written'));
  const events = JSON.parse(readFileSync(path, 'utf8')) as readonly ProfileEvent[];
  const nodes = new Map<string, { readonly op: string; readonly time: number }>();
  for (const e of events) {
    if (e.cat !== 'Node' || !e.name.endsWith('_kernel_time')) continue;
    nodes.set(e.name, { op: e.args?.op_name ?? '?', time: Math.min(e.dur, nodes.get(e.name)?.time ?? Infinity) });
  }
  const kinds = new Map<string, number[]>();
  for (const { op, time } of nodes.values()) kinds.set(op, [...(kinds.get(op) ?? []), time]);
  const total = sum([...kinds.values()].flat());
  const byOp = [...kinds]
    .map(([op, t]) => ({ op, nodes: t.length, ms: round(sum(t) / 1000, 2), share: round(sum(t) / total, 3) }))
    .sort((a, b) => b.ms - a.ms);
  return { nodes_ms: round(total / 1000, 1), by_op: byOp };
}
