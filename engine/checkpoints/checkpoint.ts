/**
 * A model folder as Hugging Face writes it: `config.json` and the weights as one safetensors file or as shards with an
 * index. When both forms are there the single file counts, as in transformers. Pickles are never read. Architecture
 * names, layouts and views of weights belong to the compiler; here a tensor is a name, a dtype, a shape and bytes.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { UserError, type Diagnostic } from '../base/errors.ts';
import { hashCheckpoint } from './checkpointHash.ts';
import { CHECKPOINT_PROBLEMS as problems } from './checkpointMessages.ts';
import { espalierHome } from './home.ts';
import { readStrictJson } from './jsonFile.ts';
import { problemAt, refuse, shorten, systemCode } from './refusal.ts';
import { nearestNames, openSafetensors, readFloat32, readTensor } from './safetensors.ts';
import type { SafetensorsFile, TensorData, TensorEntry } from './safetensors.ts';
import { SAFETENSORS_PROBLEMS } from './safetensorsMessages.ts';
import { readShardIndex } from './shardIndex.ts';

export interface PlacedTensor {
  readonly file: SafetensorsFile;
  readonly entry: TensorEntry;
}

export interface Checkpoint {
  /** Absolute path of the folder. */
  readonly folder: string;
  /** `config.json`, a JSON object of which nothing else is checked here. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: ReadonlyMap<string, PlacedTensor>;
  /** The safetensors files, in the order of the index. */
  readonly files: readonly SafetensorsFile[];
  /**
   * SHA-256 of config, names, dtypes, shapes and bytes; the same for one file and for any sharding of it. Read from a
   * side file under `home` while size and time of modification of all files stay the same.
   */
  hash(): string;
  /** A tensor in its own dtype. Throws a `UserError` for an unknown name. */
  read(name: string): TensorData;
  /** A floating-point tensor as float32. Throws a `UserError` for an unknown name and for integers. */
  readFloat32(name: string): Float32Array<ArrayBuffer>;
}

export interface CheckpointOptions {
  /** Espalier's own folder, for the cache of hashes. */
  readonly home?: string;
}

export const CONFIG_FILE = 'config.json';
export const WEIGHTS_FILE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';
export const TOKENIZER_FILE = 'tokenizer.json';
const LARGEST_CONFIG = 16 * 1024 * 1024;
const OTHER_WEIGHTS = /^(?:pytorch_model.*\.bin|tf_model.*\.h5|flax_model.*\.msgpack|.*\.(?:pt|pth|ckpt|gguf))$/;

/** Opens a model folder and checks every header. Reads no tensor. Throws a `UserError` with all that is wrong. */
export function openCheckpoint(path: string, options: CheckpointOptions = {}): Checkpoint {
  const folder = resolve(path);
  if (!isFolder(folder)) refuse({ file: path }, problems.notAFolder());
  const config = readConfig(folder);
  const tensors = openWeights(folder);
  if (tensors.size === 0) refuse({ file: folder }, problems.noTensors());
  const files = [...new Set([...tensors.values()].map((t) => t.file))];
  const placed = (name: string): PlacedTensor =>
    tensors.get(name) ??
    refuse({ file: folder }, SAFETENSORS_PROBLEMS.noTensor(shorten(name), nearestNames(name, tensors.keys())));
  return {
    folder,
    config,
    tensors,
    files,
    hash: () => hashCheckpoint({ config, tensors, files }, options.home ?? espalierHome()),
    read: (name) => readTensor(placed(name).file, name),
    readFloat32: (name) => readFloat32(placed(name).file, name),
  };
}

/**
 * Layer norms of very old checkpoints: `LayerNorm.gamma` is `LayerNorm.weight`, `LayerNorm.beta` is `LayerNorm.bias`.
 */
export function currentTensorName(name: string): string {
  return name
    .replace(/(^|\.)LayerNorm\.gamma$/, '$1LayerNorm.weight')
    .replace(/(^|\.)LayerNorm\.beta$/, '$1LayerNorm.bias');
}

/** Current name -> name in the file, for every tensor. Throws a `UserError` when an old and a current name collide. */
export function tensorNameAliases(checkpoint: Pick<Checkpoint, 'folder' | 'tensors'>): ReadonlyMap<string, string> {
  const aliases = new Map<string, string>();
  for (const name of checkpoint.tensors.keys()) {
    const current = currentTensorName(name);
    if (current !== name && checkpoint.tensors.has(current)) {
      refuse({ file: checkpoint.folder }, problems.aliasTwice(name, current));
    }
    aliases.set(current, name);
  }
  return aliases;
}

function readConfig(folder: string): Readonly<Record<string, unknown>> {
  const path = join(folder, CONFIG_FILE);
  if (!existsSync(path)) {
    refuse(
      { file: folder },
      existsSync(join(folder, 'adapter_config.json')) ? problems.adapterFolder() : problems.noConfig(),
    );
  }
  const value = readStrictJson(path, 'checkpoint-config', LARGEST_CONFIG);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse({ file: path }, problems.configNotAnObject(Array.isArray(value) ? 'an array' : String(value)));
  }
  return value as Readonly<Record<string, unknown>>;
}

function openWeights(folder: string): ReadonlyMap<string, PlacedTensor> {
  const single = join(folder, WEIGHTS_FILE);
  if (existsSync(single)) return place(openSafetensors(single));
  const index = join(folder, INDEX_FILE);
  if (existsSync(index)) return openShards(folder, index);
  const others = readdirSync(folder).filter((name) => OTHER_WEIGHTS.test(name));
  return refuse({ file: folder }, others.length > 0 ? problems.onlyOtherFormats(others) : problems.noWeights());
}

function place(file: SafetensorsFile): ReadonlyMap<string, PlacedTensor> {
  return new Map([...file.tensors].map(([name, entry]) => [name, { file, entry }]));
}

/** Opens every shard, and reports all that disagrees with the index at once. */
function openShards(folder: string, indexPath: string): ReadonlyMap<string, PlacedTensor> {
  const tensors = new Map<string, PlacedTensor>();
  const diagnostics: Diagnostic[] = [];
  for (const [shard, listed] of readShardIndex(indexPath)) {
    const path = join(folder, shard);
    if (!existsSync(path)) {
      diagnostics.push(problemAt({ file: indexPath }, problems.shardMissing(shard, [...listed])));
      continue;
    }
    const file = openSafetensors(path);
    const absent = [...listed].filter((name) => !file.tensors.has(name));
    if (absent.length > 0) diagnostics.push(problemAt({ file: indexPath }, problems.notInShard(shard, absent)));
    const unlisted: string[] = [];
    for (const [name, entry] of file.tensors) {
      const earlier = tensors.get(name);
      if (earlier !== undefined) {
        diagnostics.push(problemAt({ file: indexPath }, problems.twice(name, basename(earlier.file.path), shard)));
      } else if (listed.has(name)) tensors.set(name, { file, entry });
      else unlisted.push(name);
    }
    if (unlisted.length > 0) diagnostics.push(problemAt({ file: indexPath }, problems.notInIndex(shard, unlisted)));
  }
  if (diagnostics.length > 0) throw new UserError(diagnostics);
  return tensors;
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return false;
  }
}
