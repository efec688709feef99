/** Live figures while a run trains: on chips of the canvas, in the inspector, as long as the draft is what trains. */
import { expect, it } from 'vitest';
import type { Locator } from 'playwright-core';
import type { ProjectId, RunId } from '../../engine/protocol/api/fields.ts';
import { runCommand, useApp } from './harness/index.ts';
import { stillness } from './harness/canvas.ts';
import { smallProject, trainButton, untilTrain } from './training.ts';

const app = useApp();
const MINUTES = 240_000;
const MODULE = 'lora_attn_query';

const chip = (): Locator => app.page.locator(`[data-chip="${MODULE}"]`).first();
const section = (title: string): Locator =>
  app.page.getByTestId('inspector').getByRole('region', { name: title, exact: true });

/** Norms of the module in every step that told them, from what the run's process wrote. */
async function toldNorms(run: RunId, prefix: 'gradient/' | 'update/'): Promise<readonly number[]> {
  const { points } = await app.call('run.points', { run, after: 0 });
  return points.flatMap((p) => {
    if (p.kind !== 'step') return [];
    const own = Object.entries(p.taps).filter(([name]) => name.startsWith(prefix) && name.includes(`/${MODULE}/`));
    return own.length === 0 ? [] : [Math.hypot(...own.map(([, value]) => value ?? 0))];
  });
}
const near = (shown: number, told: readonly number[]): boolean =>
  told.some((x) => Math.abs(shown - x) <= Math.max(0.0006, x * 0.006));

it(
  'chips and inspector show norms of gradient and update while the draft trains; an edit ends it [train.live-overlay]',
  async () => {
    const { page } = app;
    const project = (await app.openDocument(
      smallProject(app.surroundings, 'live', { train: { maxSteps: 900, epochs: 200 } }),
    )) as ProjectId;
    await runCommand(page, 'view.graph');
    await untilTrain(page, ['ready']);
    await trainButton(page).click();
    await untilTrain(page, ['training']);
    await runCommand(page, 'drawer.close');
    await runCommand(page, 'canvas.fit');
    await stillness(page);

    // On the chip: a bar, and both norms in its tooltip.
    await expect
      .poll(() => chip().getAttribute('title'), { timeout: 60_000 })
      .toMatch(/Update norm .*, gradient norm /);
    const bar = chip().locator('[data-heat]');
    const length = async (): Promise<number> => (await bar.boundingBox())?.width ?? 0;
    await expect.poll(length).toBeGreaterThan(4);

    // In the inspector: both numbers, as the run told them, and they go on.
    await chip().click();
    await page
      .getByTestId('inspector')
      .getByText('peft.lora · ' + MODULE)
      .waitFor();
    const training = section('Training');
    await training.getByText('Norm of the gradient').waitFor();
    await training.getByText('Norm of the update').waitFor();
    await app.shot('live');
    const shown = async (): Promise<readonly number[]> =>
      (await training.locator('dd').allInnerTexts()).map((text) => Number(text.replace(/[^\d.e-]/g, '')));
    const first = await shown();
    expect(first).toHaveLength(2);
    await expect.poll(shown, { timeout: 60_000 }).not.toEqual(first);
    const [run] = await app.call('run.list', { project });
    for (const [i, prefix] of (['gradient/', 'update/'] as const).entries())
      expect(near(first[i]!, await toldNorms(run!.run, prefix)), `${prefix} ${first[i]}`).toBe(true);

    // An edit of the draft, by hand: the bar says so, and nothing of the run is drawn on it any more.
    const rank = page.getByTestId('inspector').getByRole('spinbutton', { name: 'Rank', exact: true });
    await rank.fill('4');
    await rank.press('Enter');
    const snapshot = page.getByRole('region', { name: 'Which graph is shown' });
    await snapshot.getByText(/trains an earlier graph .*1 change.* Its figures are not drawn/).waitFor();
    await training.waitFor({ state: 'detached' });
    await expect.poll(() => chip().getAttribute('title')).not.toMatch(/norm/);
    await expect.poll(length).toBeLessThan(1);
    await app.shot('edited');

    // Undone, the draft is what trains again.
    await runCommand(page, 'edit.undo');
    await snapshot.waitFor({ state: 'detached' });
    await training.getByText('Norm of the update').waitFor();
    await expect.poll(() => chip().getAttribute('title'), { timeout: 60_000 }).toMatch(/Update norm/);
    await page.getByRole('button', { name: 'Stop the run' }).click();
    await untilTrain(page, ['ready', 'finished']);
    await expect.poll(() => chip().getAttribute('title')).not.toMatch(/norm/);
  },
  MINUTES,
);
