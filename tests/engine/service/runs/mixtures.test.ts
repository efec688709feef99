/** Mixtures of sources: their learnt weights, merging them into one adapter, times before their sources are trained. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { OpenProject } from '../../../../engine/protocol/api/project.ts';
import { makeFolders, runService, type Folders, type Running } from '../service.ts';
import { ended, start } from './helpers.ts';

let folders: Folders;
let service: Running;
beforeAll(async () => {
  folders = await makeFolders();
  service = await runService(folders);
});
afterAll(async () => {
  await service.close();
  folders.remove();
});

/** A template that ends after a few steps. */
async function short(template: string): Promise<OpenProject> {
  const opened = await service.call('project.new', { name: template, from: { kind: 'template', template } });
  const { project, revision } = opened;
  const patch = [['train'], ['sources', 'body', 'nodes', 'train']].map((at) => ({
    path: ['workflow', 'nodes', ...at, 'params', 'maxSteps'],
    value: 4,
  }));
  const done = await service.call('project.edit', { project, revision, patch, label: 'Short' });
  expect(done.kind).toBe('done');
  return service.call('project.get', { project });
}

it('ScaLearn shows a weight for each layer and source, and merges exactly', async () => {
  const opened = await short('scalearn');
  const { project, revision } = opened;
  const estimate = await service.call('run.estimate', { project, revision });
  expect(estimate.steps).toBe(4 * 4);
  const run = await start(service, opened);
  const done = await ended(service, opened, run, 'done');
  expect(done.recipe).toMatch(/^ScaLearn/);
  const { sources } = await service.call('run.weights', { run });
  expect(sources).toMatchObject([{ node: 'layers/*/scalearn', names: ['tone', 'topic', 'urgency'] }]);
  // The weights start at 2 / 3 and have hardly moved.
  for (const value of sources[0]?.values.flat() ?? []) expect(value).toBeCloseTo(2 / 3, 1);
  const merged = await service.call('run.mergeSources', { run });
  expect(merged).toMatchObject({ possible: true, words: expect.stringContaining('one adapter') as string });
  expect(merged.difference).toBeLessThan(1e-5);
  const { files } = await service.call('run.results', { run });
  expect(files.map((f) => f.name)).toEqual(
    expect.arrayContaining(['merged/adapter.safetensors', 'sources.tone.train/adapter.safetensors']),
  );
});

it('fusion shows how much it attends to each source, and says why it cannot be merged', async () => {
  const opened = await short('fusion');
  const run = await start(service, opened);
  await ended(service, opened, run, 'done');
  const { sources } = await service.call('run.weights', { run });
  expect(sources[0]).toMatchObject({ node: 'layers/*/fusion', names: ['tone', 'topic', 'urgency'] });
  for (const row of sources[0]?.values ?? []) expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 4);
  const merged = await service.call('run.mergeSources', { run });
  expect(merged).toMatchObject({ possible: false, words: expect.stringContaining('by the input') as string });
});
