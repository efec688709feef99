/** Runs a parity test's program with ONNX Runtime. Weights are given as memory: the file mapping has tests of its own. */
import { compileOnnx } from '../../engine/backends/onnx/compile.ts';
import type { Runner } from './parity.ts';

export const onnxRunner =
  (workFolder: string): Runner =>
  async (program, _compiled, feeds, weights) => {
    const sources = new Map([...weights].map(([name, tensor]) => [name, { kind: 'memory', tensor } as const]));
    const executable = await compileOnnx(program, { weights: sources, workFolder, threads: 2 });
    try {
      return await executable.run(feeds);
    } finally {
      await executable.dispose();
    }
  };
