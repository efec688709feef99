/**
 * A PEFT folder: `adapter_config.json` and `adapter_model.safetensors`. Pickles are never read. The configuration is
 * written last and taken away first, so that a folder with one is whole.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UserError, type Diagnostic } from '../../base/errors.ts';
import { writeFileDurable } from '../../base/durable.ts';
import { readStrictJson } from '../jsonFile.ts';
import { problemAt, refuse, shorten, withSystemErrors } from '../refusal.ts';
import {
  countNonFinite,
  openSafetensors,
  readFloat32,
  writeSafetensors,
  type SafetensorsFile,
  type TensorToWrite,
} from '../safetensors.ts';
import { printPeftConfig, type PeftConfig } from './config.ts';
import { PEFT_PROBLEMS as problems } from './messages.ts';
import { readPeftConfig } from './readConfig.ts';

export const PEFT_CONFIG_FILE = 'adapter_config.json';
export const PEFT_WEIGHTS_FILE = 'adapter_model.safetensors';
const PICKLE_FILE = 'adapter_model.bin';
const LARGEST_CONFIG = 16 * 1024 * 1024;

export interface PeftFolder {
  /** Absolute path. */
  readonly folder: string;
  readonly config: PeftConfig;
  readonly file: SafetensorsFile;
}

/** Opens a folder and checks configuration and header. Reads no tensor. Throws a `UserError` with all that is wrong. */
export function openPeftFolder(path: string): PeftFolder {
  const folder = resolve(path);
  const configPath = join(folder, PEFT_CONFIG_FILE);
  const weights = join(folder, PEFT_WEIGHTS_FILE);
  if (!existsSync(configPath)) refuse({ file: path }, problems.noConfig());
  const config = readPeftConfig(readStrictJson(configPath, 'peft-config', LARGEST_CONFIG), configPath);
  if (!existsSync(weights)) {
    refuse(
      { file: path },
      existsSync(join(folder, PICKLE_FILE)) ? problems.onlyPickle(PICKLE_FILE) : problems.noWeights(),
    );
  }
  return { folder, config, file: openSafetensors(weights) };
}

/**
 * The tensors of a folder that has exactly the expected ones, as float32 in row-major order. Throws a `UserError` that names
 * all that are missing, unexpected, of another shape, or not finite.
 */
export function readPeftTensors(
  { file }: PeftFolder,
  expected: ReadonlyMap<string, readonly number[]>,
): ReadonlyMap<string, Float32Array> {
  const diagnostics: Diagnostic[] = [];
  const where = { file: file.path };
  const missing = [...expected.keys()].filter((name) => !file.tensors.has(name));
  const unexpected = [...file.tensors.keys()].filter((name) => !expected.has(name));
  if (missing.length > 0) diagnostics.push(problemAt(where, problems.missingTensors(missing)));
  if (unexpected.length > 0) diagnostics.push(problemAt(where, problems.unexpectedTensors(unexpected)));
  for (const [name, shape] of expected) {
    const has = file.tensors.get(name)?.shape;
    const at = { ...where, tensor: shorten(name) };
    if (has === undefined) continue;
    if (has.join() !== shape.join()) {
      diagnostics.push(problemAt(at, problems.wrongShape(shape, has)));
      continue;
    }
    const count = countNonFinite(file, name);
    if (count > 0) diagnostics.push(problemAt(at, problems.nonFinite(count)));
  }
  if (diagnostics.length > 0) throw new UserError(diagnostics);
  return new Map([...expected.keys()].map((name) => [name, readFloat32(file, name)]));
}

/** Writes a folder durably. An older adapter in it is replaced. Throws a `UserError` when the disk is full. */
export function writePeftFiles(folder: string, config: PeftConfig, tensors: readonly TensorToWrite[]): void {
  const configPath = join(folder, PEFT_CONFIG_FILE);
  withSystemErrors(folder, 'writing the adapter', () => {
    mkdirSync(folder, { recursive: true });
    rmSync(configPath, { force: true });
  });
  // Readers of Python look for this entry to know whose row-major order the bytes are in.
  writeSafetensors(join(folder, PEFT_WEIGHTS_FILE), tensors, new Map([['format', 'pt']]));
  withSystemErrors(configPath, 'writing it', () => {
    writeFileDurable(configPath, printPeftConfig(config));
  });
}
