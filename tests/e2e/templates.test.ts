/** Every template as a person meets it: opened from Start, without problems, and training. */
import { afterEach, expect, it } from 'vitest';
import { TEMPLATES } from '../../engine/cli/templates.ts';
import type { ProjectId } from '../../engine/protocol/api/fields.ts';
import { runCommand, useApp } from './harness/index.ts';
import { trainToResult, untilTrain } from './training.ts';

const app = useApp();
const namesOf = (mixes: boolean): readonly string[] =>
  TEMPLATES.filter((t) => t.sources.length > 0 === mixes).map((t) => t.name);

/** Clicks the template on Start and waits for its project: no problem is listed, and the check has found none. */
async function openTemplate(name: string): Promise<ProjectId> {
  const { page } = app;
  await page.locator(`[data-template="${name}"]`).click();
  await page.locator('[data-screen="project"]').waitFor({ timeout: 60_000 });
  await page.locator('.react-flow__node').first().waitFor();
  await untilTrain(page, ['ready']);
  await expect.poll(() => page.locator('[data-region="status"]').textContent()).toContain('No problems');
  const project = new URL(page.url()).hash.replace('#project=', '') as ProjectId;
  const { revision } = await app.call('project.get', { project });
  const { diagnostics } = await app.call('check.now', { project, revision, phase: 'findings' });
  expect(diagnostics).toEqual([]);
  return project;
}

afterEach(async () => {
  const { page } = app;
  // What a failed test left open must not hide Start from the next one.
  while ((await page.getByRole('dialog').count()) > 0) await page.keyboard.press('Escape');
  if ((await page.locator('[data-screen="project"]').count()) > 0) await runCommand(page, 'file.close');
  await page.locator('[data-screen="start"]').waitFor();
});

it('there are fourteen templates on Start [templates.all]', async () => {
  await expect.poll(() => app.page.locator('[data-template]').count()).toBe(14);
  expect([...namesOf(false), ...namesOf(true)]).toHaveLength(14);
});

it.each(namesOf(false))(
  'the template %s opens without problems and trains a batch [templates.all]',
  async (name) => {
    const { page } = app;
    await openTemplate(name);
    await runCommand(page, 'run.dryBatch');
    const dry = page.getByRole('dialog', { name: 'Dry run: one batch' });
    await dry.getByText(/It works|Look at this first|The dry run failed/).waitFor({ timeout: 90_000 });
    await expect.poll(() => dry.textContent()).toMatch(/It works.*One step of 16 examples works: loss \d\.\d{4}/s);
    await page.keyboard.press('Escape');
    await dry.waitFor({ state: 'detached' });
  },
  120_000,
);

it.each(namesOf(true))(
  'the template %s opens without problems and trains its sources and the mixture [templates.all]',
  async (name) => {
    const { page } = app;
    const project = await openTemplate(name);
    // Two steps of each training show the same as all of them.
    const { revision } = await app.call('project.get', { project });
    const nodes = ['workflow', 'nodes'];
    const places = [
      [...nodes, 'train'],
      [...nodes, 'sources', 'body', 'nodes', 'train'],
    ];
    const patch = places.map((place) => ({ path: [...place, 'params', 'maxSteps'], value: 2 }));
    await app.call('project.edit', { project, revision, patch, label: 'Two steps' });
    await untilTrain(page, ['ready']);
    expect(await trainToResult(page)).toMatch(/0\.\d{3} accuracy/);
    const runs = await app.call('run.list', { project });
    expect(runs.map(({ state, step }) => [state, step])).toEqual([['done', 2]]);
    const { points } = await app.call('run.points', { run: runs[0]?.run as never, after: 0 });
    expect(new Set(points.flatMap((p) => (p.kind === 'step' ? [p.at] : []))).size).toBe(4);
    await app.shot(name);
  },
  240_000,
);
