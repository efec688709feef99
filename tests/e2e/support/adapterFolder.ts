/** The folder of a Hugging Face adapter, and the way it comes onto a canvas from a file manager. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { writePeftFolder } from '../../../engine/workflow/peftExport.ts';
import { backboneAt, documentOn, randomParameters, subjectOf } from '../../support/peft.ts';
import { starterModelFolder } from '../../support/starter.ts';
import { centre, stillness } from '../harness/index.ts';

/** A LoRA of MiniLM on query, value and the second feed-forward layer of layers 2 to 5, in the format of PEFT. */
export function writeAdapter(where: string, name: string): string {
  const folder = join(where, name);
  const backbone = backboneAt(starterModelFolder());
  const params = { r: 6, alpha: 12, dropout: 0.05, targets: 'query,value,down', layers: '2-5' };
  const document = documentOn(backbone, { kind: 'classification', outputs: 4 }, 'lora', params);
  const subject = { ...subjectOf(backbone, document), baseModel: 'sentence-transformers/all-MiniLM-L6-v2' };
  const written = writePeftFolder(folder, subject, randomParameters(document));
  if (!written.ok) throw new Error(written.error);
  // What trainers leave beside it is not for us.
  writeFileSync(join(folder, 'training_args.bin'), 'not read');
  return folder;
}

/** Drops a path of this machine, as the system does; the page gets a folder that it has to read. */
export async function dropPath(page: Page, path: string): Promise<void> {
  await stillness(page);
  const at = await centre(page.locator('[data-canvas]'));
  const system = await page.context().newCDPSession(page);
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await system.send('Input.dispatchDragEvent', {
      type,
      x: at.x,
      y: at.y,
      data: { items: [], files: [path], dragOperationsMask: 1 },
    });
  }
  await system.detach();
}
