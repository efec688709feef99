/**
 * What a checkpoint holds: trainable parameters with the optimizer's moments, the state of node updates, the best
 * parameters so far, and `state.json` with the rest. Order of data and noise need nothing here: they are functions of seed,
 * epoch, step and example. A resumed run continues bit for bit on the same device, library and number of threads.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { BugError, UserError, type Diagnostic } from '../base/errors.ts';
import type { HostTensor } from '../backends/executable.ts';
import {
  openSafetensors,
  readFloat32,
  safetensorsParts,
  type SafetensorsFile,
  type TensorToWrite,
} from '../checkpoints/safetensors.ts';
import { newestStepFolder, readText, writeStepFolder, type WriteResult } from './checkpointFolder.ts';
import type { CheckpointIo } from './checkpointIo.ts';
import * as messages from './messages.ts';
import { firstNonFinite } from './optimizer.ts';
import type { ParameterStore, Piece } from './parameterStore.ts';
import type { Growth } from './segments.ts';

const FORMAT = 1;
const PARAMETERS = 'parameters.safetensors';
const OPTIMIZER = 'optimizer.safetensors';
const BEST = 'best.safetensors';
const STATE = 'state.json';

const figures = z.array(z.tuple([z.string(), z.number().nullable()]));
const evaluationSchema = z.object({
  step: z.int().min(0),
  primary: z.string(),
  loss: z.number().nullable(),
  figures,
});
const segmentSchema = z.object({
  id: z.int().min(0),
  size: z.int().min(1),
  steps: z.int().min(0),
  scheduleStart: z.int().min(0),
  frozen: z.boolean(),
});
const stateSchema = z.object({
  format: z.literal(FORMAT),
  /** Optimizer steps done, and where that is. */
  step: z.int().min(0),
  epoch: z.int().min(0),
  batch: z.int().min(0),
  seed: z.int().min(0),
  /** Whether the evaluation that is due after this step has been made. */
  evaluated: z.boolean(),
  finished: z.enum(['finished', 'early-stopping']).nullable(),
  best: evaluationSchema.nullable(),
  last: evaluationSchema.nullable(),
  /** The figure that early stopping compares with, and the evaluations since without a better one. */
  patience: z.object({ reference: z.number().nullable(), waited: z.int().min(0) }),
  metricsBytes: z.int().min(0),
  growth: z.array(z.tuple([z.string(), z.array(segmentSchema)])),
  /** What the run consists of, by name: settings, Programs, data, weights, device. */
  identity: z.array(z.tuple([z.string(), z.string()])),
});

/** An evaluation as it is kept: its figures by name; null stands for a figure that is no finite number. */
export type KeptEvaluation = z.infer<typeof evaluationSchema>;

type State = z.infer<typeof stateSchema>;

/** Everything of a run that a checkpoint keeps, without the tensors. */
export type RunState = Omit<State, 'format' | 'growth' | 'identity'> & {
  readonly growth: Growth;
  readonly identity: ReadonlyMap<string, string>;
};

/** State of node updates by update and name. */
export type UpdateStates = ReadonlyMap<string, ReadonlyMap<string, HostTensor>>;

export interface Snapshot {
  readonly state: RunState;
  readonly store: ParameterStore;
  readonly updates: UpdateStates;
  readonly best: ReadonlyMap<string, HostTensor> | undefined;
}

export const checkpointsFolder = (runFolder: string): string => join(runFolder, 'checkpoints');

/** Writes a checkpoint durably and removes older ones. Values that are no finite numbers are never written. */
export function writeCheckpoint(runFolder: string, snapshot: Snapshot, io: CheckpointIo): WriteResult {
  const { state, store, updates, best } = snapshot;
  for (const buffer of [store.values, store.first, store.second])
    if (firstNonFinite(buffer) >= 0)
      throw new BugError('a checkpoint of values that are no numbers was about to be made');
  const optimizer = store.pieces.flatMap((p) => [
    pieceTensor(`first/${pieceName(p)}`, p, store.first),
    pieceTensor(`second/${pieceName(p)}`, p, store.second),
  ]);
  for (const [update, tensors] of updates)
    for (const [name, tensor] of tensors) optimizer.push(wholeTensor(`update/${update}/${name}`, tensor));
  const files = new Map<string, readonly Uint8Array[]>([
    [PARAMETERS, [...safetensorsParts(store.pieces.map((p) => pieceTensor(pieceName(p), p, store.values)))]],
    [OPTIMIZER, [...safetensorsParts(optimizer)]],
    [STATE, [Buffer.from(`${JSON.stringify(toJson(state), undefined, 1)}\n`, 'utf8')]],
  ]);
  if (best) files.set(BEST, [...safetensorsParts([...best].map(([name, tensor]) => wholeTensor(name, tensor)))]);
  return writeStepFolder(checkpointsFolder(runFolder), state.step, files, io);
}

export interface Restored {
  readonly state: RunState;
  /** Copies values and moments into a store that was made for `state.growth`. */
  fill(store: ParameterStore): void;
  updateTensor(update: string, name: string): Float32Array;
  readonly best: ReadonlyMap<string, HostTensor> | undefined;
}

/** The newest whole checkpoint of a run, or undefined. What a crash left is swept; damaged checkpoints are warned of. */
export function readCheckpoint(
  runFolder: string,
  io: CheckpointIo,
  warn: (d: Diagnostic) => void,
): Restored | undefined {
  const newest = newestStepFolder(checkpointsFolder(runFolder), io, (folder, reason) => {
    warn(messages.checkpointDamaged(folder, reason));
  });
  if (!newest) return undefined;
  const { folder, names } = newest;
  const state = parseState(folder, io);
  const read = (file: string): ((name: string) => Float32Array) => {
    const opened = openSafetensors(join(folder, file));
    return (name) => readFloat32(opened, name);
  };
  const parameters = read(PARAMETERS);
  const optimizer = read(OPTIMIZER);
  const best = names.has(BEST) ? openSafetensors(join(folder, BEST)) : undefined;
  return {
    state,
    fill: (store) => {
      for (const p of store.pieces) {
        store.values.set(parameters(pieceName(p)), p.offset);
        store.first.set(optimizer(`first/${pieceName(p)}`), p.offset);
        store.second.set(optimizer(`second/${pieceName(p)}`), p.offset);
      }
    },
    updateTensor: (update, name) => optimizer(`update/${update}/${name}`),
    best: best && floatTensors(best),
  };
}

/** All tensors of a file, as float32. */
export function floatTensors(file: SafetensorsFile): ReadonlyMap<string, HostTensor> {
  return new Map(
    [...file.tensors.values()].map(({ name, shape }) => [name, { dtype: 'f32', shape, data: readFloat32(file, name) }]),
  );
}

/** Refuses to resume a run as another one; names the first thing that differs. */
export function requireSameRun(
  runFolder: string,
  kept: ReadonlyMap<string, string>,
  now: ReadonlyMap<string, string>,
): void {
  for (const name of new Set([...kept.keys(), ...now.keys()])) {
    const [before, after] = [kept.get(name) ?? 'none', now.get(name) ?? 'none'];
    if (before !== after) throw new UserError(messages.resumeDiffers(runFolder, name, after, before));
  }
}

/** A piece of a parameter that did not grow has the parameter's own name. */
const pieceName = (p: Piece): string => (p.segment === 0 ? p.name : `${p.name}#${p.segment}`);

const pieceTensor = (name: string, p: Piece, buffer: Float32Array): TensorToWrite => ({
  name,
  dtype: 'F32',
  shape: p.shape,
  data: buffer.subarray(p.offset, p.offset + p.length),
});

/** A float tensor as safetensors takes it. */
export function wholeTensor(name: string, { dtype, shape, data }: HostTensor): TensorToWrite {
  if (dtype !== 'f32') throw new BugError(`"${name}" is ${dtype}; only f32 is kept`);
  return { name, dtype: 'F32', shape, data };
}

const toJson = (state: RunState): State => ({
  format: FORMAT,
  ...state,
  growth: [...state.growth].map(([axis, segments]) => [axis, [...segments]]),
  identity: [...state.identity],
});

/** The hashes agree, so a state that does not parse was written by another version. */
function parseState(folder: string, io: CheckpointIo): RunState {
  const parsed = stateSchema.safeParse(JSON.parse(readText(join(folder, STATE), io)));
  if (!parsed.success)
    throw new UserError(messages.resumeDiffers(folder, 'version of Espalier', 'this version', 'the one that began it'));
  const { format: _format, growth, identity, ...rest } = parsed.data;
  return { ...rest, growth: new Map(growth), identity: new Map(identity) };
}
