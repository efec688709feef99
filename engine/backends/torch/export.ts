/** Writes exported PyTorch code to a folder. */
import { join } from 'node:path';
import { writeFileDurable } from '../../base/durable.ts';
import { emitTorch } from './emit.ts';
import type { TorchOptions, TorchSource } from './source.ts';

/** Writes the files into `folder` (made if missing), each whole or not at all; returns their paths. */
export function exportTorch(source: TorchSource, folder: string, options: TorchOptions = {}): readonly string[] {
  return Object.entries(emitTorch(source, options)).map(([name, text]) => {
    const path = join(folder, name);
    writeFileDurable(path, text);
    return path;
  });
}
