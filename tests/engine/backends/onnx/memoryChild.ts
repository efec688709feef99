/**
 * Measures one training step in a process of its own, because memory that a test before freed would be used again and
 * not be seen. Prints one line of JSON: `{ predicted, arena, taken }` in bytes; `taken` is missing where the system
 * does not tell.
 */
import { anonymousBytes } from '../../../support/memory.ts';
import { predictMemory } from '../../../../engine/backends/onnx/memory.ts';
import { MINILM, randomWeights, stepInputs, stepProgram } from '../encoderStep.ts';
import { withExecutable } from '../support.ts';

const options = JSON.parse(process.argv[2] ?? '{}') as Partial<typeof MINILM>;
const program = stepProgram({ ...MINILM, layers: 3, vocabulary: 100, ...options });
const { weights, trainables } = randomWeights(program);
const lengths = Array.from({ length: 24 }, (_, i) => 40 + i);
const bindings = new Map([
  ['B', lengths.length],
  ['T', 64],
  ['N', lengths.reduce((x, y) => x + y, 0)],
]);
const { arena, noise, results } = predictMemory(program, bindings);
const taken = await withExecutable(program, { weights, threads: 2 }, async (executable) => {
  const feeds = new Map([...trainables, ...stepInputs(0, lengths, 64)]);
  const before = anonymousBytes();
  for (let i = 0; i < 3; i++) await executable.run(feeds);
  const after = anonymousBytes();
  return before === undefined || after === undefined ? undefined : after - before;
});
process.stdout.write(JSON.stringify({ predicted: arena + noise + results, arena, taken }));
