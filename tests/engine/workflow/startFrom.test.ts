/** Training that begins with modules that were trained before. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSafetensors, readFloat32 } from '../../../engine/checkpoints/safetensors.ts';
import { csvOf, sentences } from '../../support/tinyBackbone.ts';
import { place, type Place, type Ran } from '../cli/espalier.ts';

let at: Place;
const DATA = ['--backbone', 'backbone', '--data', 'train.csv', '--eval', 'eval.csv', '--epochs', '1', '--batch', '8'];

interface Plain {
  workflow: { nodes: Record<string, unknown>; edges: unknown[] };
}

/** A new document of the method whose training begins with the modules of a file. */
async function newFrom(file: string, method: readonly string[], adapter: string): Promise<void> {
  const made = await at.call('new', ...DATA, '--method', ...method, '-o', file);
  expect(made.code, made.err).toBe(0);
  const document = JSON.parse(at.read(file)) as Plain;
  document.workflow.nodes['before'] = { type: 'adapter.file', version: 1, params: { file: adapter } };
  document.workflow.edges.push({ from: { node: 'before', port: 'adapter' }, to: { node: 'train', port: 'start' } });
  at.write(file, JSON.stringify(document));
}
const run = (file: string, ...args: readonly string[]): Promise<Ran> =>
  at.call('run', file, '--out', file.replace('.json', ''), '--json', ...args);

function trainFolder(out: string): string {
  const { steps } = JSON.parse(at.read(`${out}/run.json`)) as { steps: readonly { step: string; folder: string }[] };
  return at.path(out, steps.find((s) => s.step === 'train')?.folder ?? 'none');
}
const initial = (out: string) => openSafetensors(`${trainFolder(out)}/run/initial.safetensors`);
const trained = (out: string) => openSafetensors(at.path(out, 'adapter.safetensors'));

beforeAll(async () => {
  at = place();
  await at.call('new', ...DATA, '--method', 'lora', '--param', 'r=4', '-o', 'first.json');
  const first = await run('first.json');
  expect(first.code, first.err).toBe(0);
});
afterAll(() => at.remove());

describe('a training step with trained modules at "start"', () => {
  it('begins with their values, all of them', async () => {
    await newFrom('second.json', ['lora', '--param', 'r=4'], 'first/adapter.safetensors');
    const done = await run('second.json');
    expect(done.code, done.out + done.err).toBe(0);
    expect(done.lines().filter((l) => l['code'] === 'start-partly')).toEqual([]);
    const [before, after] = [trained('first'), initial('second')];
    expect([...after.tensors.keys()].toSorted()).toEqual([...before.tensors.keys()].toSorted());
    for (const name of before.tensors.keys()) expect(readFloat32(after, name), name).toEqual(readFloat32(before, name));
    // And trains on from there.
    expect(readFloat32(trained('second'), 'head/out.weight')).not.toEqual(readFloat32(after, 'head/out.weight'));
  });
  it('begins anew with a head for other labels, and says so', async () => {
    const three = sentences(48).map(([text, label], i) => [text, i % 3 === 0 ? 'neither' : label] as const);
    at.write('three.csv', csvOf(three));
    const document = JSON.parse(at.read('second.json')) as Plain;
    const { nodes } = document.workflow as { nodes: Record<string, { params: Record<string, unknown> }> };
    for (const step of ['data', 'eval']) Object.assign(nodes[step]?.params ?? {}, { file: 'three.csv' });
    document.workflow.edges.push({ from: { node: 'data', port: 'data' }, to: { node: 'model', port: 'data' } });
    at.write('three.json', JSON.stringify(document));
    const done = await run('three.json');
    expect(done.code, done.out + done.err).toBe(0);
    expect(done.out).toContain('"start-partly"');
    expect(done.out).toContain('head/out.weight');
    const [before, after] = [trained('first'), initial('three')];
    expect(after.tensors.get('head/out.weight')?.shape[0]).toBe(3);
    const lora = [...before.tensors.keys()].filter((name) => name.includes('lora'));
    expect(lora.length).toBeGreaterThan(4);
    for (const name of lora) expect(readFloat32(after, name), name).toEqual(readFloat32(before, name));
  });
  it('runs again when they have changed', async () => {
    const steps = async (): Promise<unknown> => {
      const { steps: list } = (await run('second.json')).last() as { steps: { step: string; known: boolean }[] };
      return list.filter((s) => !s.known).map((s) => s.step);
    };
    expect(await steps()).toEqual([]);
    at.write('first.json', at.read('first.json').replace('"lr": 0.001', '"lr": 0.002'));
    expect((await run('first.json')).code).toBe(0);
    expect(await steps()).toEqual(['train']);
  });
  it('refuses modules that have nothing in common with its own', async () => {
    await newFrom('other.json', ['pfeiffer'], 'first/adapter.safetensors');
    const refused = await run('other.json');
    expect([refused.code, refused.findings()[0]?.code]).toEqual([1, 'start-unfit']);
    expect(refused.findings()[0]?.where).toMatchObject({ node: 'train', port: 'start' });
  });
  it('refuses modules of another backbone', async () => {
    const config = at.read('backbone/config.json');
    at.write('backbone/config.json', config.replace('"layer_norm_eps":1e-12', '"layer_norm_eps":1e-6'));
    const refused = await at.call('run', 'second.json', '--out', 'never', '--json');
    at.write('backbone/config.json', config);
    expect([refused.code, refused.findings()[0]?.code]).toEqual([1, 'backbone-differs']);
    expect(refused.findings()[0]?.where).toMatchObject({ node: 'train', port: 'start' });
  });
});
