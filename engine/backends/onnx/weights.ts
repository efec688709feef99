/**
 * Frozen weights as external data of a model: ONNX Runtime maps the checkpoint file itself, by byte offset, through a hard
 * link in the model's folder (it refuses symbolic links and absolute paths). A checkpoint file is never opened for writing.
 * Weights from memory go to a file of their own, for the same reason: pages that were not touched cost nothing.
 */
import { closeSync, constants, copyFileSync, linkSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BugError, must } from '../../base/errors.ts';
import { writeAll } from '../../base/durable.ts';
import { BYTES_PER_ELEMENT, printType, type ValueType } from '../../ir/types.ts';
import type { HostTensor, WeightSource } from '../executable.ts';
import type { BoundParam } from './lower.ts';
import type { OnnxInitializer } from './proto.ts';

/** Weights up to this size stand in the model itself. */
const INLINE_BYTES = 1024;
/** What the kernels' vector loads like. */
const ALIGNMENT = 64;

export function bindWeights(
  weights: readonly Required<BoundParam>[],
  sources: ReadonlyMap<string, WeightSource>,
  folder: string,
): OnnxInitializer[] {
  const links = new Map<string, string>();
  const memory = new MemoryFile(folder, 'memory.bin');
  try {
    return weights.map(({ name, type, onnx }) => {
      const source = must(sources.get(name), `the weight "${name}" has a source`);
      const shape = staticShape(name, type);
      if (source.kind === 'memory') {
        refuseOther(name, type, source.tensor);
        return { name: onnx, type: type.dtype, shape, data: memory.add(source.tensor) };
      }
      refuseOther(name, type, source);
      const bytes = shape.reduce((p, n) => p * n, BYTES_PER_ELEMENT[type.dtype]);
      const end = source.offset + source.length;
      if (source.length !== bytes || end > statSync(source.path).size) {
        throw new BugError(
          `weight "${name}" takes ${bytes} bytes, its source gives ${source.offset}..${end} of ${source.path}`,
        );
      }
      const file = links.get(source.path) ?? linkInto(folder, source.path, `weights-${links.size}.bin`);
      links.set(source.path, file);
      return {
        name: onnx,
        type: type.dtype,
        shape,
        data: { kind: 'external', file, offset: source.offset, length: bytes },
      };
    });
  } finally {
    memory.close();
  }
}

function staticShape(name: string, type: ValueType): number[] {
  return type.shape.map((d) => {
    if (typeof d !== 'number') throw new BugError(`weight "${name}" is ${printType(type)}: a weight has a fixed shape`);
    return d;
  });
}

function refuseOther(
  name: string,
  type: ValueType,
  found: { readonly dtype: string; readonly shape: readonly number[] },
): void {
  const got = `${found.dtype}[${found.shape.join(',')}]`;
  if (got !== printType(type)) throw new BugError(`weight "${name}" is ${printType(type)}, its source holds ${got}`);
}

/** A hard link, or a copy where there can't be one (another device, or a file system without links). */
function linkInto(folder: string, path: string, name: string): string {
  try {
    linkSync(path, join(folder, name));
  } catch {
    copyFileSync(path, join(folder, name), constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  }
  return name;
}

class MemoryFile {
  readonly #folder: string;
  readonly #name: string;
  #descriptor: number | undefined;
  #size = 0;

  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#name = name;
  }

  add(tensor: HostTensor): OnnxInitializer['data'] {
    const { buffer, byteOffset, byteLength } = tensor.data;
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    if (byteLength <= INLINE_BYTES) return { kind: 'raw', bytes };
    this.#descriptor ??= openSync(join(this.#folder, this.#name), 'wx');
    const padding = (ALIGNMENT - (this.#size % ALIGNMENT)) % ALIGNMENT;
    writeAll(this.#descriptor, new Uint8Array(padding));
    writeAll(this.#descriptor, bytes);
    const offset = this.#size + padding;
    this.#size = offset + byteLength;
    return { kind: 'external', file: this.#name, offset, length: byteLength };
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
  }
}
