/** The canvas of a model by hand: looking, selecting, wiring, dropping, and what it refuses. */
import { expect, it } from 'vitest';
import type { Document } from '../../engine/protocol/document.ts';
import {
  boxOf,
  centre,
  drag,
  dragNode,
  dragOnto,
  dragWire,
  edges,
  node,
  runCommand,
  useApp,
  type Point,
} from './harness/index.ts';
import { copySamples } from './samples.ts';
import { bodyOf, openCopy, pointOnWire, portOf, savedDocument, wires } from './support/modelCanvas.ts';

const app = useApp({
  viewport: { width: 1440, height: 900 },
  prepare: ({ workspace }) => copySamples(workspace),
});
let file = '';
let opened = 0;

async function open(): Promise<void> {
  file = `canvas-${opened++}.espalier.json`;
  await openCopy(app, file);
}

const port = (id: string, name: string, side: 'source' | 'target') => portOf(app.page, id, name, side);

const saved = (test: (document: Document) => boolean): Promise<Document> => savedDocument(app, file, test);
const click = (id: string, options: { shift?: boolean; button?: 'right' } = {}): Promise<void> =>
  node(app.page, id).click({
    position: { x: 50, y: 12 },
    ...(options.shift === true ? { modifiers: ['Shift'] } : {}),
    ...(options.button === undefined ? {} : { button: options.button }),
  });

const wireMiddle = (end: string): Promise<Point> => pointOnWire(app.page, end);

/** The void below the graph. */
const void_ = async (): Promise<Point> => {
  const box = await app.page.locator('[data-canvas]').boundingBox();
  return { x: (box?.x ?? 0) + 420, y: (box?.y ?? 0) + (box?.height ?? 0) - 30 };
};

it('a model is drawn with its stack, docked modules, ports and live shapes [canvas.words-first, canvas.typed-ports, canvas.live-shapes, canvas.layout, chips.docked, stack.ports, canvas.minimap]', async () => {
  await open();
  const query = node(app.page, 'layers/query');
  await expect.poll(() => query.textContent()).toContain('Query projection');
  await expect.poll(() => query.textContent()).toContain('attn.query');
  const chip = query.locator('[data-chip="lora_attn_query"]');
  await expect.poll(() => chip.textContent()).toContain('LoRA');
  await expect.poll(() => query.textContent()).toMatch(/W′ = W \+/);
  await expect.poll(() => port('layers', 'hidden', 'target').count()).toBe(1);
  await expect.poll(() => app.page.locator('[aria-label^="carry"]').count()).toBeGreaterThan(0);
  await expect.poll(() => app.page.locator('[aria-label^="broadcast"]').count()).toBe(1);
  await expect.poll(async () => query.textContent(), { timeout: 30_000 }).toContain('B×T×384');
  await expect.poll(() => port('layers/attention', 'tokens', 'target').getAttribute('data-shape')).toBe('cylinder');
  await expect.poll(() => app.page.getByRole('application', { name: /Map of the graph/ }).count()).toBe(1);
  await app.shot('canvas');
});

it('the scrubber shows one layer or all [stack.scrubber]', async () => {
  await app.page.getByRole('radio', { name: 'Layer 3' }).click();
  await expect
    .poll(async () => app.page.getByRole('radio', { name: 'Layer 3' }).getAttribute('aria-checked'))
    .toBe('true');
  await app.page.keyboard.press('ArrowRight');
  await expect
    .poll(async () => app.page.getByRole('radio', { name: 'Layer 4' }).getAttribute('aria-checked'))
    .toBe('true');
  await app.page.getByRole('radio', { name: 'All layers' }).click();
});

it('a wire that does not fit is refused with the reason, one through a wall too [canvas.refuse-wire, stack.wall]', async () => {
  const before = await edges(app.page).count();
  let words = '';
  await dragWire(app.page, port('embeddings_drop', 'y', 'source'), port('loss', 'tokens', 'target'), {
    beforeDrop: async () => {
      words = (await app.page.locator('[data-canvas] [role="status"]').allTextContents()).join(' ');
    },
  });
  expect(words).toMatch(/takes tokens, this wire carries tensor/);
  await dragWire(app.page, port('embeddings_drop', 'y', 'source'), port('layers/key', 'x', 'target'));
  await expect.poll(async () => app.page.locator('body').textContent()).toMatch(/wall of a stack/);
  await expect.poll(() => edges(app.page).count()).toBe(before);
});

it('a wire is deleted and drawn again between ports that fit [canvas.wire, canvas.delete, edit.undo]', async () => {
  const before = await edges(app.page).count();
  const onWireEnd = await wireMiddle('head.logits->logits.x');
  await app.page.mouse.click(onWireEnd.x, onWireEnd.y);
  await app.page.keyboard.press('Delete');
  await expect.poll(async () => edges(app.page).count()).toBe(before - 1);
  await dragWire(app.page, port('head', 'logits', 'source'), port('logits', 'x', 'target'));
  await expect.poll(async () => edges(app.page).count()).toBe(before);
});

it('a module of the palette is dragged onto the canvas, onto a wire and onto a linear layer [canvas.add-from-palette, canvas.palette-taxonomy, canvas.drop-on-wire, canvas.drop-on-linear]', async () => {
  await runCommand(app.page, 'canvas.palette');
  const palette = app.page.getByRole('region', { name: 'Modules', exact: true });
  await palette.waitFor();
  await expect.poll(() => palette.textContent()).toMatch(/Reparameterised/);
  const search = palette.getByRole('combobox');
  const module = async (name: string, type: string) => {
    await search.fill(name);
    const entry = app.page.locator(`[data-module="${type}"]`);
    await entry.waitFor();
    return entry;
  };
  await (await module('lora', 'peft.lora')).click();
  await expect.poll(() => palette.locator('.katex').count()).toBeGreaterThan(0);
  await expect.poll(() => palette.textContent()).toMatch(/Hu et al/);
  await dragOnto(app.page, await module('dora', 'peft.dora'), await centre(node(app.page, 'layers/ffn_down')), {
    holdMs: 400,
  });
  await saved((d) => wires(d).some((w) => w === 'dora.transform->ffn_down.transforms'));
  const onWire = await wireMiddle('attn_out.y->attn_drop.x');
  await dragOnto(app.page, await module('dropout', 'layer.dropout'), onWire, {
    holdMs: 300,
    beforeDrop: async () => {
      await app.page.mouse.move(onWire.x + 1, onWire.y);
      await app.page.waitForTimeout(400);
    },
  });
  await saved(
    (d) => wires(d).some((w) => w === 'attn_out.y->dropout.x') && wires(d).some((w) => w === 'dropout.y->attn_drop.x'),
  );
  await dragOnto(app.page, await module('average', 'compose.average'), await void_(), { holdMs: 200 });
  await saved((d) => Object.keys(Object.values(d.models)[0]?.nodes ?? {}).includes('average'));
  await runCommand(app.page, 'canvas.palette');
});

it('over a sublayer two halves are offered, parallel makes the add node [canvas.series-parallel]', async () => {
  await open();
  await runCommand(app.page, 'canvas.palette');
  const palette = app.page.getByRole('region', { name: 'Modules', exact: true });
  await palette.getByRole('combobox').fill('bottleneck');
  const box = await boxOf(node(app.page, 'layers/ffn_down'));
  const lower = { x: box.x + box.width / 2, y: box.y + box.height * 0.8 };
  let words = '';
  await dragOnto(app.page, app.page.locator('[data-module="peft.bottleneck"]'), lower, {
    holdMs: 400,
    beforeDrop: async () => {
      await app.page.mouse.move(lower.x + 2, lower.y);
      await app.page.waitForTimeout(200);
      words = (await app.page.locator('[data-canvas]').textContent()) ?? '';
    },
  });
  expect(words).toMatch(/in series/);
  expect(words).toMatch(/in parallel/);
  await saved((d) => wires(d).some((w) => w === 'bottleneck.delta->add.x'));
  await runCommand(app.page, 'canvas.palette');
});

it('a wire dropped in the void offers what fits and nothing else [canvas.drop-in-void]', async () => {
  await open();
  await dragWire(app.page, port('head', 'logits', 'source'), await void_());
  const search = app.page.getByRole('dialog', { name: /Add what fits this wire/ });
  await search.waitFor();
  await expect.poll(() => search.locator('[data-type="peft.ia3"]').count()).toBe(0);
  await app.page.keyboard.type('output');
  await app.page.keyboard.press('Enter');
  await saved(
    (d) => Object.values(d.models)[0]?.edges.some((e) => e.from.node === 'head' && e.to.node === 'output') === true,
  );
});

it('A adds one recipe to the selection, and a query selects first [canvas.add-to-selection, canvas.select-by-query, recipe.badge, keys.letters]', async () => {
  await open();
  await click('layers/key');
  await click('layers/attn_out', { shift: true });
  await app.page.keyboard.press('a');
  await app.page.keyboard.type('ia3');
  await app.page.keyboard.press('Enter');
  const first = await saved(
    (d) =>
      wires(d).some((w) => w.endsWith('->key.transforms')) && wires(d).some((w) => w.endsWith('->attn_out.transforms')),
  );
  expect(Object.values(first.recipes).filter((r) => r.type === 'peft.ia3')).toHaveLength(1);
  await app.page.keyboard.press('a');
  await app.page.keyboard.type('site:ffn.up,ffn.down lora');
  await app.page.keyboard.press('Enter');
  await saved((d) => wires(d).filter((w) => /->ffn_(?:up|down)\.transforms$/.test(w)).length === 2);
  await expect.poll(() => node(app.page, 'layers/ffn_up').textContent()).toMatch(/LoRA/);
});

it('nodes are moved by mouse with guides, by keys, and aligned [canvas.move, canvas.guides, canvas.align, canvas.multi-select]', async () => {
  await open();
  const at = async (id: string) => (await node(app.page, id).boundingBox()) ?? { x: 0, y: 0 };
  const before = await boxOf(node(app.page, 'pooler'));
  await dragNode(app.page, 'pooler', { x: 40, y: 70 });
  await expect.poll(async () => (await at('pooler')).y).toBeGreaterThan(before.y + 30);
  const moved = await boxOf(node(app.page, 'pooler'));
  await app.page.keyboard.press('Shift+ArrowDown');
  await expect.poll(async () => (await at('pooler')).y).toBeGreaterThan(moved.y);
  await click('pooler');
  await click('pooler_act', { shift: true });
  await runCommand(app.page, 'canvas.alignTop');
  await expect.poll(async () => Math.abs((await at('pooler')).y - (await at('pooler_act')).y)).toBeLessThan(2);
});

it('arrows walk along wires, Enter opens the inspector [canvas.move]', async () => {
  await click('cls');
  await app.page.keyboard.press('ArrowRight');
  await expect.poll(async () => node(app.page, 'pooler').getAttribute('class')).toContain('selected');
});

it('nodes are copied, pasted and duplicated, renamed and muted [canvas.copy-paste, canvas.duplicate, canvas.rename, canvas.mute]', async () => {
  await open();
  await app.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await click('layers/ffn_drop');
  await app.page.keyboard.press('Control+c');
  await expect.poll(async () => app.page.evaluate(() => navigator.clipboard.readText())).toContain('espalier-nodes');
  await app.page.keyboard.press('Control+v');
  await saved((d) => bodyOf(d)?.nodes['ffn_drop_2' as never] !== undefined);
  await click('layers/ffn_drop');
  await app.page.keyboard.press('Control+d');
  await saved((d) => bodyOf(d)?.nodes['ffn_drop_3' as never] !== undefined);
  await click('layers/key');
  await app.page.keyboard.press('F2');
  await app.page.keyboard.type('My keys');
  await app.page.keyboard.press('Enter');
  await expect.poll(async () => node(app.page, 'layers/key').textContent()).toContain('My keys');
  await app.page.locator('[data-chip="lora_attn_query"]').click();
  await app.page.keyboard.press('Control+m');
  await saved((d) => bodyOf(d)?.nodes['lora_attn_query' as never]?.mute === true);
});

it('cutting across wires removes them [canvas.delete]', async () => {
  await open();
  const before = await edges(app.page).count();
  const a = await centre(node(app.page, 'pooler'));
  const b = await centre(node(app.page, 'pooler_act'));
  const x = (a.x + b.x) / 2;
  await app.page.keyboard.down('Control');
  await drag(app.page, { x, y: a.y - 14 }, { x, y: a.y + 14 });
  await app.page.keyboard.up('Control');
  await expect.poll(async () => edges(app.page).count()).toBe(before - 1);
});
