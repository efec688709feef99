/** Tools of the canvas: groups, notes, finding, menus, zoom, overlays, stacks, chips, the workflow level. */
import { expect, it } from 'vitest';
import type { Document } from '../../engine/protocol/document.ts';
import { centre, drag, node, runCommand, useApp, type Point } from './harness/index.ts';
import { copySamples } from './samples.ts';
import { bodyOf, openCopy, pointOnWire, savedDocument } from './support/modelCanvas.ts';

const app = useApp({
  viewport: { width: 1440, height: 900 },
  prepare: ({ workspace }) => copySamples(workspace),
});
let file = '';
let opened = 0;

async function open(): Promise<void> {
  file = `canvasTools-${opened++}.espalier.json`;
  await openCopy(app, file);
}

const saved = (test: (document: Document) => boolean): Promise<Document> => savedDocument(app, file, test);
const click = (id: string, shift = false): Promise<void> =>
  node(app.page, id).click({ position: { x: 50, y: 12 }, ...(shift ? { modifiers: ['Shift'] } : {}) });
const wireMiddle = (end: string): Promise<Point> => pointOnWire(app.page, end);

const detail = (): Promise<string | null> => app.page.locator('[data-canvas]').getAttribute('data-detail');

it('nodes are grouped, named, collapsed; notes hold no HTML [canvas.group, canvas.notes, canvas.collapse]', async () => {
  await open();
  await click('pooler');
  await click('pooler_act', true);
  await app.page.keyboard.press('Control+g');
  await app.page.keyboard.type('Pooling');
  await app.page.keyboard.press('Enter');
  const group = app.page.locator('[data-group]');
  await expect.poll(async () => group.textContent()).toContain('Pooling');
  await group.getByRole('button', { name: 'Collapse the group' }).click();
  await expect.poll(async () => node(app.page, 'pooler').count()).toBe(0);
  await group.getByRole('button', { name: 'Open the group' }).click();
  await node(app.page, 'pooler').waitFor();
  await runCommand(app.page, 'canvas.note');
  await app.page.keyboard.type('# Plan\n<img src=x onerror=alert(1)> **bold**');
  await app.page.keyboard.press('Control+Enter');
  const note = app.page.locator('[data-note]');
  await expect.poll(async () => note.textContent()).toContain('<img src=x');
  await expect.poll(() => note.locator('img').count()).toBe(0);
  await expect.poll(() => note.locator('b').textContent()).toBe('bold');
  await click('layers/key');
  await app.page.keyboard.press('Shift+C');
  await saved((d) => JSON.stringify(d.view).includes('"key"'));
});

it('finds by query and replaces values [canvas.find]', async () => {
  await open();
  await click('pooler');
  await app.page.keyboard.press('Control+f');
  const bar = app.page.getByRole('search');
  await bar.getByLabel('Find', { exact: true }).fill('type:dropout p>=0.1');
  await expect.poll(async () => bar.getByRole('status').textContent()).toMatch(/[34]/);
  await bar.getByLabel('Parameter').selectOption('p');
  await bar.getByLabel('New value').fill('0.2');
  await bar.getByRole('button', { name: 'Replace in all' }).click();
  await saved((d) => bodyOf(d)?.nodes['attn_drop' as never]?.params['p'] === 0.2);
});

it('nodes, wires and the void have menus; a wire is probed from its menu [canvas.context-menu, canvas.probe]', async () => {
  await open();
  await node(app.page, 'layers/key').click({ button: 'right', position: { x: 50, y: 12 } });
  await app.page.getByRole('menuitem', { name: /Mute or unmute/ }).waitFor();
  await app.page.keyboard.press('Escape');
  const at = await wireMiddle('attention.context->attn_out.x');
  await app.page.mouse.click(at.x, at.y, { button: 'right' });
  await app.page.getByRole('menuitem', { name: 'Probe this wire' }).click();
  const probe = app.page.getByRole('dialog', { name: /Probe of/ });
  await expect.poll(async () => probe.textContent(), { timeout: 90_000 }).toMatch(/Not finite/);
  await expect.poll(() => probe.textContent()).toMatch(/Deviation/);
  await probe.getByRole('button', { name: 'Close' }).click();
});

it('zoom to the whole, to the selection and to presets; faces get simpler from afar [canvas.zoom-fit, canvas.level-of-detail]', async () => {
  await open();
  await runCommand(app.page, 'canvas.zoom100');
  await expect.poll(detail).toBe('full');
  await runCommand(app.page, 'canvas.fit');
  await expect.poll(detail).toBe('title');
  await click('pooler');
  await runCommand(app.page, 'canvas.fitSelection');
  await expect.poll(detail).toBe('full');
  await runCommand(app.page, 'canvas.fit');
  const box = await app.page.locator('[data-canvas]').boundingBox();
  await app.page.mouse.move((box?.x ?? 0) + 300, (box?.y ?? 0) + 300);
  for (let i = 0; i < 6; i++) await app.page.mouse.wheel(0, 120);
  await expect.poll(detail).toMatch(/box|far/);
  for (let i = 0; i < 12; i++) await app.page.mouse.wheel(0, 120);
  await expect.poll(detail).toBe('far');
});

it('T shows what trains [canvas.what-trains]', async () => {
  await open();
  await click('pooler');
  await app.page.keyboard.press('t');
  await expect.poll(async () => app.page.locator('[data-card="layers/query"]').getAttribute('data-path')).toBe('on');
  await expect.poll(() => app.page.locator('[data-card="embeddings"]').getAttribute('data-path')).toBe('off');
  await app.page.keyboard.press('t');
});

it('chips change their order by drag and by keys, and show as wires [chips.order, chips.as-wires]', async () => {
  await open();
  await click('layers/query');
  await app.page.keyboard.press('a');
  await app.page.keyboard.type('dora');
  await app.page.keyboard.press('Enter');
  const chips = (): Promise<string[]> =>
    app.page
      .locator('[data-card="layers/query"] [data-chip]')
      .evaluateAll((list) => list.map((e) => e.getAttribute('data-chip') ?? ''));
  await expect.poll(chips).toEqual(['lora_attn_query', 'dora']);
  const from = await centre(app.page.locator('[data-chip="dora"]'));
  const to = await centre(app.page.locator('[data-chip="lora_attn_query"]'));
  await drag(app.page, from, { x: to.x, y: to.y - 6 });
  await expect.poll(chips).toEqual(['dora', 'lora_attn_query']);
  await app.page.locator('[data-chip="dora"]').focus();
  await app.page.keyboard.press('Alt+ArrowDown');
  await expect.poll(chips).toEqual(['lora_attn_query', 'dora']);
  await runCommand(app.page, 'canvas.asWires');
  await node(app.page, 'layers/dora').waitFor();
  await runCommand(app.page, 'canvas.asWires');
  await expect.poll(async () => node(app.page, 'layers/dora').count()).toBe(0);
});

it('a stack is split before the shown layer, joined again and unrolled [stack.split, stack.join, stack.unroll]', async () => {
  await open();
  await app.page.getByRole('radio', { name: 'Layer 4' }).click();
  await runCommand(app.page, 'stack.split');
  await node(app.page, 'layers_4').waitFor();
  await node(app.page, 'layers').click({ position: { x: 60, y: 14 } });
  await runCommand(app.page, 'stack.join');
  await expect.poll(async () => node(app.page, 'layers_4').count()).toBe(0);
  await runCommand(app.page, 'stack.unroll');
  // Six stacks are more than the window shows, so the document tells.
  await saved((d) => Object.keys(Object.values(d.models)[0]?.nodes ?? {}).includes('layers_5'));
});

it('a layout that is asked for is one step of undo [canvas.layout]', async () => {
  await open();
  await runCommand(app.page, 'canvas.tidy');
  await saved((d) => JSON.stringify(d.view ?? {}).includes('positions'));
});

it('a recipe is cut, sets of parameters are counted [recipe.independent, sharing.badge]', async () => {
  await open();
  const chip = app.page.locator('[data-chip="lora_attn_query"]');
  await expect.poll(() => chip.textContent()).toContain('×6');
  await expect.poll(() => chip.textContent()).toContain('A 2');
  await chip.click();
  await runCommand(app.page, 'recipe.independent');
  await expect.poll(async () => chip.textContent()).not.toContain('A 2');
});

it('a problem stands at its node in words [canvas.problems-inline]', async () => {
  await open();
  const at = await wireMiddle('key.y->attention.key');
  await app.page.mouse.click(at.x, at.y);
  await app.page.keyboard.press('Delete');
  const mark = app.page.locator('[data-card="layers/attention"] [role="img"][aria-label*="problem"]');
  await mark.waitFor({ timeout: 30_000 });
  await expect.poll(() => mark.getAttribute('title')).not.toBe('');
});

it('the workflow is a canvas with steps, states and wires [workflow.canvas, workflow.edit]', async () => {
  await open();
  await runCommand(app.page, 'view.workflow');
  await node(app.page, 'train').waitFor();
  await expect.poll(() => node(app.page, 'data').textContent()).toContain('first-steps.csv');
  await click('train');
  await app.page.keyboard.press('Shift+A');
  await app.page.keyboard.type('evaluate');
  await app.page.keyboard.press('Enter');
  await saved((d) => Object.values(d.workflow.nodes).some((s) => s.type === 'evaluate'));
  await app.shot('workflow');
});
