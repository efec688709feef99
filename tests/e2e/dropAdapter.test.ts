/** The folder of a Hugging Face adapter is dropped on the canvas, as a file manager drops it, and becomes modules. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Document } from '../../engine/protocol/document.ts';
import { node, onDisk, runCommand, useApp } from './harness/index.ts';
import { dropPath, writeAdapter } from './support/adapterFolder.ts';
import { untilTrain } from './training.ts';

const app = useApp();
const FILE = 'drop here.espalier.json';

const rackOf = (document: Document, target: string) => {
  const body = Object.values(document.models)[0]?.nodes['layers' as never]?.body;
  return (body?.edges ?? [])
    .filter((e) => e.to.node === target && e.to.port === 'transforms')
    .map((e) => body?.nodes[e.from.node]);
};

it('a dropped adapter folder becomes modules at their places, and says what came in [canvas.drop-adapter]', async () => {
  const { page } = app;
  await app.call('project.new', { name: 'drop here', from: { kind: 'template', template: 'head' } });
  await app.openDocument(FILE);
  await node(page, 'layers/query').waitFor();
  await untilTrain(page, ['ready']);
  const before = onDisk(app, FILE) as Document;
  await expect.poll(() => page.locator('[data-chip]').count()).toBe(0);

  // A folder that is none is refused with the reason, and nothing changes.
  const stranger = join(app.surroundings.folder, 'photos');
  mkdirSync(stranger);
  writeFileSync(join(stranger, 'cat.txt'), 'a cat');
  await dropPath(page, stranger);
  await page.getByText(/This is no adapter folder: adapter_config\.json is missing/).waitFor();

  const adapter = writeAdapter(app.surroundings.folder, 'my adapter');
  const config = JSON.parse(readFileSync(join(adapter, 'adapter_config.json'), 'utf8')) as Record<string, unknown>;
  expect(config).toMatchObject({ peft_type: 'LORA', r: 6, lora_alpha: 12 });
  await dropPath(page, adapter);
  for (const target of ['query', 'value', 'ffn_down'])
    await expect.poll(() => node(page, `layers/${target}`).locator('[data-chip]').textContent()).toContain('LoRA');
  await expect.poll(() => node(page, 'layers/key').locator('[data-chip]').count()).toBe(0);
  const notice = page.getByText(/Read LORA with 26 tensors and [\d,]+ numbers, kept in/);
  await notice.waitFor();
  await expect.poll(() => notice.textContent()).toContain('kept in lora-adapter.safetensors beside the document');
  await expect.poll(() => notice.textContent()).toContain('Training begins with them');
  await app.shot('dropped');

  // 4 layers, rank 6: query and value 384 + 384, the second feed-forward layer 1536 + 384.
  const trainable = (4 * 6 * (2 * 768 + 1920)).toLocaleString('en-US');
  await expect
    .poll(() => page.locator('[data-region="status"]').textContent(), { timeout: 60_000 })
    .toContain(`${trainable} trainable`);
  await expect.poll(() => rackOf(onDisk(app, FILE) as Document, 'ffn_down').length, { timeout: 20_000 }).toBe(1);
  const stored = onDisk(app, FILE) as Document;
  for (const target of ['query', 'value', 'ffn_down'])
    expect(rackOf(stored, target)[0]).toMatchObject({ layers: '2-5' });
  // Training begins with the numbers of the folder, from a file that lies beside the document now.
  expect(stored.workflow.nodes['adapter' as never]).toMatchObject({
    type: 'adapter.file',
    params: { file: 'lora-adapter.safetensors' },
  });
  expect(stored.workflow.edges).toContainEqual({
    from: { node: 'adapter', port: 'adapter' },
    to: { node: 'train', port: 'start' },
  });
  expect(existsSync(join(app.workspace, 'lora-adapter.safetensors'))).toBe(true);
  // No path of the machine is in the document, and the folder is not needed any more.
  expect(JSON.stringify(stored)).not.toContain(app.surroundings.folder);
  rmSync(adapter, { recursive: true });

  // It trains, and all of it is one step of undo.
  await untilTrain(page, ['ready']);
  await runCommand(page, 'run.dryBatch');
  const dry = page.getByRole('dialog', { name: 'Dry run: one batch' });
  await dry.getByText('It works').waitFor({ timeout: 90_000 });
  await page.keyboard.press('Escape');
  await runCommand(page, 'edit.undo');
  await expect.poll(() => page.locator('[data-chip]').count()).toBe(0);
  await expect.poll(() => onDisk(app, FILE), { timeout: 20_000 }).toEqual(before);
}, 240_000);
