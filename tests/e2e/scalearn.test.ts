/** ScaLearn over three trained adapters, built by hand: palette, source bank, thick wire, training, learnt weights, merge. */
import { expect, it } from 'vitest';
import type { Locator } from 'playwright-core';
import type { Document } from '../../engine/protocol/document.ts';
import type { ProjectId } from '../../engine/protocol/api/fields.ts';
import { centre, dragOnto, dragWire, node, stillness, type Point } from './harness/canvas.ts';
import { runCommand, useApp } from './harness/index.ts';
import { bodyOf, portOf, savedDocument, wires } from './support/modelCanvas.ts';
import { SOURCES, TARGET, trainSources } from './support/sourceAdapters.ts';
import { trainToResult } from './training.ts';

let adapters: ReadonlyMap<string, string> = new Map();
const app = useApp({
  prepare: (surroundings) => {
    adapters = trainSources(surroundings);
  },
});
const MINUTES = 300_000;

const inspector = (): Locator => app.page.getByTestId('inspector');
const section = (title: string): Locator => inspector().getByRole('region', { name: title, exact: true });
const port = (id: string, name: string, side: 'source' | 'target'): Locator => portOf(app.page, id, name, side);
const saved = (test: (document: Document) => boolean): Promise<Document> => savedDocument(app, TARGET, test);

async function fromPalette(name: string, type: string, to: Point): Promise<void> {
  const palette = app.page.getByRole('region', { name: 'Modules', exact: true });
  await palette.getByRole('combobox').fill(name);
  const entry = app.page.locator(`[data-module="${type}"]`);
  await entry.waitFor();
  await dragOnto(app.page, entry, to, { holdMs: 250 });
}

let project = '' as ProjectId;

it(
  'three adapters are put into a bank, wired to ScaLearn by a thick wire, and trained to a result [sources.scalearn]',
  async () => {
    const { page } = app;
    project = (await app.openDocument(TARGET)) as ProjectId;
    await runCommand(page, 'view.graph');
    await runCommand(page, 'canvas.fit');
    await node(page, 'layers/ffn_drop').waitFor();

    // The bank's card stands under the feed-forward; it comes with a bank, which the inspector shows.
    await runCommand(page, 'canvas.palette');
    await stillness(page);
    const [key, drop] = [await centre(node(page, 'layers/attn_drop')), await centre(node(page, 'layers/ffn_drop'))];
    const row = (key.y + drop.y) / 2 - 12;
    await fromPalette('source bank', 'source.bank', { x: drop.x - 60, y: row });
    await saved((d) => bodyOf(d)?.nodes['bank' as never]?.bank === 'sources');
    await app.shot('bank-empty');

    // Three adapter files, each by the browser's own dialog.
    for (const source of SOURCES) {
      await section('Source bank').getByRole('button', { name: 'Add source' }).click();
      const [chooser] = await Promise.all([
        page.waitForEvent('filechooser'),
        page.getByRole('menuitem', { name: 'Adapter file…' }).click(),
      ]);
      await chooser.setFiles(adapters.get(source)!);
      await section('Source bank').getByText(source, { exact: true }).waitFor();
    }
    await app.shot('bank-filled');

    await fromPalette('scalearn', 'peft.scalearn', { x: drop.x + 60, y: row });
    await runCommand(page, 'canvas.palette');
    await dragWire(page, port('layers/ffn_drop', 'y', 'source'), port('layers/bank', 'x', 'target'));
    await dragWire(page, port('layers/bank', 'sources', 'source'), port('layers/scalearn', 'sources', 'target'));
    await dragWire(page, port('layers/scalearn', 'delta', 'source'), port('layers/ffn_add', 'x', 'target'));
    await saved((d) =>
      ['ffn_drop.y->bank.x', 'bank.sources->scalearn.sources', 'scalearn.delta->ffn_add.x'].every((w) =>
        wires(d).includes(w),
      ),
    );
    await page.locator('[data-canvas]').getByText('×3', { exact: true }).waitFor();
    await page.getByText('No problems').waitFor({ timeout: 60_000 });
    await app.shot('wired');

    expect(await trainToResult(page)).toMatch(/0\.\d{3} accuracy/);
    const [run] = await app.call('run.list', { project });
    expect(run).toMatchObject({ state: 'done' });
    // Six layers, three sources, 384 channels: one weight each.
    expect(run!.trainable - (run!.head ?? 0)).toBe(6 * 3 * 384);
    await app.shot('trained');
  },
  MINUTES,
);

it(
  'the card shows how much of each source was learnt, as the run stored it [sources.learnt-weights]',
  async () => {
    const { page } = app;
    const [run] = await app.call('run.list', { project });
    const { sources, parameters } = await app.call('run.weights', { run: run!.run });
    expect(sources[0]!.names).toEqual([...SOURCES]);
    const map = section('Learnt weights').getByRole('table', { name: 'Learnt weights of the sources' });
    await runCommand(page, 'drawer.close');
    for (const card of ['layers/scalearn', 'layers/bank']) {
      await stillness(page);
      await node(page, card).click({ position: { x: 40, y: 10 } });
      await map.waitFor({ timeout: 60_000 });
      expect((await map.getByRole('columnheader').allInnerTexts()).slice(1)).toEqual([...SOURCES]);
      const cells = (await map.getByRole('cell').allInnerTexts()).map((text) => text.trim());
      expect(cells).toEqual(sources[0]!.values.flat().map((x) => x.toFixed(3)));
      expect(cells).toHaveLength(6 * 3);
    }
    // The weights began at 2 / 3, and training has moved those of every layer.
    const omega = parameters.filter((p) => p.name.endsWith('scalearn/omega'));
    expect(omega).toHaveLength(6);
    for (const { updateNorm } of omega) expect(updateNorm).toBeGreaterThan(0.05);
    await app.shot('learnt-weights');
  },
  MINUTES,
);

it(
  'merging into one adapter tells the difference that it measured, and leaves the file [sources.merge]',
  async () => {
    const { page } = app;
    const learnt = section('Learnt weights');
    await learnt.getByRole('button', { name: 'Merge into one adapter' }).click();
    const answer = learnt.getByText(/merge into one adapter of size 24; its outputs differ by at most/);
    await answer.waitFor({ timeout: 120_000 });
    const difference = Number(/at most (\S+?),/.exec(await answer.innerText())?.[1]);
    expect(difference).toBeGreaterThanOrEqual(0);
    expect(difference).toBeLessThan(1e-3);
    await app.shot('merged');
    await learnt.getByRole('button', { name: 'Show files' }).click();
    await page.getByText('merged/adapter.safetensors').first().waitFor();
    await app.shot('merged-files');
  },
  MINUTES,
);

it(
  'seven pills stay in sight beside a result, each with its words in a tooltip; the inspector shows the result ' +
    '[workflow.strip, train.baselines]',
  async () => {
    const { page } = app;
    const strip = page.getByRole('navigation', { name: 'Workflow' });
    const pills = strip.locator('[data-step]');
    expect(await pills.count()).toBe(7);
    const clipped = (): Promise<readonly string[]> =>
      strip.evaluate((nav) => {
        const list = nav.querySelector('ol')!.getBoundingClientRect();
        return [...nav.querySelectorAll<HTMLElement>('[data-step]')]
          .filter((pill) => {
            const box = pill.getBoundingClientRect();
            return box.left < list.left - 1 || box.right > list.right + 1;
          })
          .map((pill) => pill.dataset['step'] ?? '');
      });
    await expect.poll(clipped).toEqual([]);
    await pills.last().hover();
    await page
      .getByRole('tooltip')
      .getByText(/^Adapter urgency: /)
      .waitFor();
    await app.shot('strip');

    // A pill opens its step: the result stands under its settings.
    const [run] = await app.call('run.list', { project });
    const figure = run!.figure!.toFixed(3);
    await page.locator('[data-step="train"]').click();
    await section('Last run').getByText(figure, { exact: true }).first().waitFor();
    await section('Last run').getByText('Majority class').waitFor();

    // Nothing selected: the result of the run, and the way to its files.
    await runCommand(page, 'view.graph');
    await stillness(page);
    // The cards that were placed by hand did not upset the places of the others: what follows the stack stands below it.
    const below = async (): Promise<number> => {
      const [stack, next] = [await node(page, 'layers').boundingBox(), await node(page, 'cls').boundingBox()];
      return (next?.y ?? 0) - (stack?.y ?? 0) - (stack?.height ?? 0);
    };
    await expect.poll(below).toBeGreaterThanOrEqual(0);
    const box = (await page.locator('[data-canvas]').boundingBox())!;
    await page.mouse.click(box.x + 20, box.y + 20);
    const result = section('Result');
    await result.getByText(figure, { exact: true }).first().waitFor();
    await result.getByText('Untrained', { exact: true }).waitFor();
    await result.getByText('Peak memory').waitFor();
    await app.shot('result-card');
    await result.getByRole('button', { name: 'Files' }).click();
    await page.getByRole('table', { name: 'Files of the run' }).waitFor();
    // An edit of the graph: the card says that it is of an earlier one.
    await node(page, 'layers/scalearn').click({ position: { x: 40, y: 10 } });
    await page.keyboard.press('Control+m');
    await page.keyboard.press('Escape');
    await page.mouse.click(box.x + 20, box.y + 20);
    await result.getByText('run 1, earlier graph').waitFor();
  },
  MINUTES,
);
