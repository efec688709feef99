/** A training process to be killed. It is bundled by `killHarness.ts`, takes a `ChildRequest`, and knows nothing of kills. */
import { compileOnnx } from '../../../engine/backends/onnx/compile.ts';
import type { TrainerBackend } from '../../../engine/trainer/backend.ts';
import { runTraining } from '../../../engine/trainer/run.ts';
import { killedJob, type ChildRequest } from './killJob.ts';
import { smallWeights } from './smallModel.ts';

const request = JSON.parse(process.argv[2] as string) as ChildRequest;
const job = killedJob(request.folder, request.resume);

const onnx: TrainerBackend = {
  identity: 'onnx',
  compile: (program) => {
    const weights = new Map([...smallWeights()].map(([name, tensor]) => [name, { kind: 'memory', tensor } as const]));
    return compileOnnx(program, { weights, workFolder: request.workFolder, threads: 1 });
  },
};

await runTraining(request.backend === 'onnx' ? { ...job, backend: onnx } : job);
