/** A document with nodes of a plugin that is not there: it opens, says so, and keeps them byte for byte. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../../build/setup.mjs';
import { boxOf, dragNode, node, runCommand, stillness, useApp } from './harness/index.ts';
import { copySamples } from './samples.ts';

/** Each attempt has a file of its own: one that is open is not written from outside. */
let attempts = 0;
let file = '';
const app = useApp({ prepare: ({ workspace }) => copySamples(workspace) });

/** What another program wrote, in its own way of writing: fields, numbers and blanks that ours would write otherwise. */
const GATE = `{ "type": "acme.gate",   "version": 7,
                "params": {"p":1.50e-1, "mode" : "soft"},
                "title": "Gate of Acme", "acme-state":[ 1,2 ,3.0 ] }`;
const REPORT = `{"type":"acme.report","version":2,"params":{ "to" : "somewhere"},"secret":{"z":0.10,"a":"é"}}`;
const RECIPE = `{ "version": 3, "type": "acme.tune", "params": { "rank":   4.0 } }`;

/** The example with a gate in place of a dropout of the stack, a report after training and a recipe that nobody uses. */
function foreignText(): string {
  const text = readFileSync(join(root, 'examples', 'first-steps.espalier.json'), 'utf8');
  const swapped = text
    .replace(/("ffn_drop": )\{[^{}]*\{[^{}]*\}[^{}]*\}/, (_, name: string) => `${name}${GATE}`)
    .replace(/("train": \{[^{}]*\{[^{}]*\}\s*\})/, (train) => `${train},\n      "report": ${REPORT}`)
    .replace(/("port": "eval" \} \})/, (edge) => {
      const wire = '{ "from": { "node": "train", "port": "adapter" }, "to": { "node": "report", "port": "adapter" } }';
      return `${edge},\n      ${wire}`;
    })
    .replace(/("recipes": \{)/, (start) => `${start}\n    "tune": ${RECIPE},`);
  for (const part of [GATE, REPORT, RECIPE]) if (!swapped.includes(part)) throw new Error('the example has changed');
  return swapped;
}
const saved = (): string => readFileSync(join(app.workspace, file), 'utf8');

it('nodes of unknown types open as placeholders with words and are kept byte for byte [file.unknown-nodes]', async () => {
  const { page } = app;
  const text = foreignText();
  file = `foreign-${++attempts}.espalier.json`;
  writeFileSync(join(app.workspace, file), text);
  await app.openDocument(file);
  const gate = node(page, 'layers/ffn_drop');
  await gate.waitFor();

  // The card, its ports, the problem and the inspector say what it is.
  await expect.poll(() => gate.textContent()).toContain('unknown type acme.gate');
  await expect.poll(() => gate.locator('.react-flow__handle').count()).toBe(2);
  await runCommand(page, 'drawer.problems');
  const problem = page.getByRole('button', { name: /No node type is named "acme\.gate"/ });
  await problem.waitFor();
  await expect.poll(() => problem.textContent()).toContain('the file keeps it unchanged');
  await page.getByRole('button', { name: /No step type is named "acme\.report"/ }).waitFor();
  await problem.click();
  const inspector = page.getByTestId('inspector');
  await inspector.getByText(/does not know the type acme\.gate\. Its text is kept as it is/).waitFor();
  await page.locator('[data-train="missing"], [data-train="waiting"]').waitFor();
  await app.shot('placeholder');
  await runCommand(page, 'view.workflow');
  const report = node(page, 'report');
  await expect.poll(() => report.textContent()).toContain('unknown step acme.report');
  await stillness(page);
  await report.click({ position: { x: 30, y: 8 } });
  await inspector.getByText(/does not know the step acme\.report\. Its text is kept as it is/).waitFor();
  await app.shot('placeholder-step');

  // Saved with an edit beside them: nothing else of the file has changed.
  const title = page.getByRole('textbox', { name: 'Title of the document' });
  await title.fill('with a plugin');
  await title.press('Enter');
  const expected = text.replace('"title": "lora on first-steps.csv"', '"title": "with a plugin"');
  await expect.poll(saved, { timeout: 30_000 }).toBe(expected);

  // Moved and taken back by undo, opened anew and saved again, they are still the same.
  await runCommand(page, 'view.graph');
  await gate.waitFor();
  const before = (await boxOf(gate)).y;
  await dragNode(page, 'layers/ffn_drop', { x: 0, y: 40 });
  await expect.poll(async () => (await gate.boundingBox())?.y ?? 0).toBeGreaterThan(before);
  await expect.poll(saved, { timeout: 30_000 }).toContain('"positions"');
  for (const part of [GATE, REPORT, RECIPE]) expect(saved()).toContain(part);
  await app.reload();
  await gate.waitFor();
  await title.fill('with a plugin still');
  await title.press('Enter');
  await expect.poll(saved, { timeout: 30_000 }).toContain('"title": "with a plugin still"');
  for (const part of [GATE, REPORT, RECIPE]) expect(saved()).toContain(part);
}, 240_000);
