/** The oracle's client and protocol: requests, overlapping requests, refusals, files both ways, the process's end. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OracleError, startOracle, type Oracle } from '../support/oracle.ts';
import { maxAbs, parityError, readTensors, writeTensors } from '../support/tensors.ts';

let oracle: Oracle;
let backbone: string;

beforeAll(async () => {
  oracle = startOracle();
  backbone = join(oracle.folder, 'bert');
  await oracle.request('make_backbone', { arch: 'bert', seed: 1, out: backbone });
}, 120_000);

afterAll(async () => {
  await oracle.close();
});

const batch = {
  ids: [
    [2, 8, 9, 3],
    [2, 7, 3, 0],
  ],
  lengths: [4, 3],
  labels: [1, 0],
};
const lora = { kind: 'lora', r: 3, alpha: 6, targets: ['attn.query', 'attn.value'], layers: [1, 2] };

interface RunResult {
  readonly engine: string;
  readonly loss: number;
  readonly logits: readonly (readonly number[])[];
  readonly trainable_count: number;
}

describe('oracle', () => {
  test('says what is installed', async () => {
    const { versions } = await oracle.request<{ versions: Record<string, string> }>('ping');
    expect(versions).toMatchObject({ transformers: '4.57.6', adapters: '1.3.0', peft: '0.21.2' });
  });

  test('runs a method through a library and through its transcription with tensors that we wrote', async () => {
    const problem = { folder: backbone, task: 'classification', labels: 2, methods: [lora] };
    const names = await oracle.request<Record<string, { shape: number[] }>>('names', problem);
    expect(Object.keys(names).slice(0, 2)).toEqual(['layers/1/attn.query/lora/A', 'layers/1/attn.query/lora/B']);
    const tensors = join(oracle.folder, 'values.safetensors');
    let next = 0.3;
    const number = (): number => {
      next = (next * 997) % 1;
      return 0.4 * (next - 0.5);
    };
    const value = (shape: readonly number[]): { shape: readonly number[]; data: number[] } => ({
      shape,
      data: Array.from({ length: shape.reduce((a, b) => a * b, 1) }, number),
    });
    writeTensors(tensors, new Map(Object.entries(names).map(([name, { shape }]) => [name, value(shape)])));
    const files = ['peft', 'transcription'].map((engine) => join(oracle.folder, `${engine}.safetensors`));
    const [library, written] = await Promise.all(
      ['peft', 'transcription'].map((engine, i) =>
        oracle.request<RunResult>('model_run', {
          ...problem,
          engine,
          tensors,
          batch,
          want: ['loss', 'gradients'],
          out: files[i],
        }),
      ),
    );
    expect(library?.engine).toBe('peft');
    expect(written?.engine).toBe('transcription');
    expect(library?.loss).toBeCloseTo(written?.loss ?? NaN, 5);
    const [a, b] = files.map(readTensors);
    const gradients = [...(b?.keys() ?? [])].filter((name) => name.startsWith('gradient/'));
    expect(gradients).toHaveLength(10);
    const largest = Math.max(
      ...gradients.map((name) => maxAbs(b?.get(name) ?? { shape: [], data: new Float64Array() })),
    );
    for (const name of gradients) {
      const [mine, theirs] = [a?.get(name), b?.get(name)];
      if (mine === undefined || theirs === undefined) throw new Error(`${name} is missing`);
      expect(maxAbs(theirs)).toBeGreaterThan(0);
      expect(parityError(mine, theirs, largest)).toBeLessThan(1e-3);
    }
  });

  test('a refused request has its reason, and the process goes on', async () => {
    const refused = oracle.request('model_run', { folder: backbone, methods: [{ kind: 'alchemy' }], batch });
    await expect(refused).rejects.toThrow(OracleError);
    await expect(refused).rejects.toThrow(/unknown method kind 'alchemy'/);
    const values = join(oracle.folder, 'wrong.safetensors');
    writeTensors(values, new Map([['head/wight', { shape: [1], data: [1] }]]));
    await expect(oracle.request('model_run', { folder: backbone, tensors: values, batch })).rejects.toThrow(
      /2 missing.*head\/weight.*1 unknown.*head\/wight/,
    );
    expect(await oracle.request('schedule', { schedule: { kind: 'linear', total: 4 }, lr: 1, n: 3 })).toEqual([
      1, 0.75, 0.5,
    ]);
  });

  test('a process that has ended refuses requests with a reason, and its folder is gone', async () => {
    const other = startOracle();
    expect(existsSync(other.folder)).toBe(true);
    await other.close();
    expect(existsSync(other.folder)).toBe(false);
    await expect(other.request('ping')).rejects.toThrow(/the oracle ended: exit code 0/);
  });
});
