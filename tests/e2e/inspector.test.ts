/** The inspector in the real app: forms, overrides, many at once, figures, gradients, sharing, and the model as a whole. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Locator } from 'playwright-core';
import { root } from '../../build/setup.mjs';
import { runCommand, useApp } from './harness/index.ts';

const app = useApp({
  prepare: ({ workspace }) => {
    for (const file of ['first-steps.csv', 'first-steps.eval.csv'])
      copyFileSync(join(root, 'examples', file), join(workspace, file));
  },
});
let opened = 0;
const inspector = (): Locator => app.page.getByTestId('inspector');
const number = (name: string): Locator => inspector().getByRole('spinbutton', { name, exact: true });
const section = (title: string): Locator => inspector().getByRole('region', { name: title, exact: true });

/** Every test has a document of its own, because the service keeps those that were open. */
async function openExample(): Promise<void> {
  const name = `inspector-${opened++}.espalier.json`;
  copyFileSync(join(root, 'examples', 'first-steps.espalier.json'), join(app.workspace, name));
  await app.openDocument(name);
  await app.page.getByText('73,728 trainable').first().waitFor({ timeout: 60_000 });
}
/** The window remembers its view, so that the graph must be asked for. */
async function openGraph(): Promise<void> {
  await openExample();
  await runCommand(app.page, 'view.graph');
  await app.page.locator('.react-flow__node').first().waitFor();
  await runCommand(app.page, 'canvas.fit');
  await card('layers/key').waitFor();
}
const card = (id: string): Locator => app.page.locator(`.react-flow__node[data-id="${id}"]`).first();
const select = (id: string, ...modifiers: 'Shift'[]): Promise<void> =>
  card(id).click({ position: { x: 30, y: 8 }, modifiers });

/** The module of a cell of the matrix, which needs no aiming at small chips. */
async function selectModule(place: string, layer: number): Promise<void> {
  await runCommand(app.page, 'view.matrix');
  const row = app.page.getByRole('row').filter({ has: app.page.getByRole('button', { name: place, exact: true }) });
  await row.locator(`[data-column="${layer}"]`).click();
  await section('Recipe').waitFor();
}
async function type(field: Locator, text: string): Promise<void> {
  await field.fill(text);
  await field.press('Enter');
}

describe('a node', () => {
  it('has a form with units, ranges and help; a value that does not fit stays out [inspector.form]', async () => {
    await openExample();
    await selectModule('Query projection', 0);
    await inspector().getByText('Adds a trainable low-rank update').waitFor();
    await type(number('Rank'), '0');
    await inspector().getByRole('alert').first().waitFor();
    await number('Rank').press('Escape');
    await type(number('Rank'), '4');
    // The recipe serves query and value: one edit reaches both.
    await app.page.getByText('36,864 trainable').first().waitFor({ timeout: 60_000 });
    await app.shot('inspector-node');
    await runCommand(app.page, 'edit.undo');
    await expect.poll(() => number('Rank').inputValue()).toBe('8');
  });

  it('tells its recipe and is cut loose from it [recipe.badge, recipe.independent]', async () => {
    await openExample();
    await selectModule('Query projection', 0);
    await section('Recipe').getByText('A 2').waitFor();
    await section('Recipe').getByText('Edits here change 1 other module too.').waitFor();
    await section('Recipe').getByRole('button', { name: 'Make independent' }).click();
    await type(number('Rank'), '4');
    await app.page.getByText('55,296 trainable').first().waitFor({ timeout: 60_000 });
  });

  it('shows what its layers resolve to, and takes layers out by a click [stack.layer-lists]', async () => {
    await openExample();
    await selectModule('Query projection', 0);
    await type(section('Placement').getByRole('textbox', { name: 'Layers' }), '-2..');
    await section('Placement').getByText('= 4, 5').waitFor();
    await app.page.getByText('49,152 trainable').first().waitFor({ timeout: 60_000 });
    await section('Placement').getByRole('button', { name: 'Layer 4' }).click();
    await app.page.getByText('43,008 trainable').first().waitFor({ timeout: 60_000 });
    await type(section('Placement').getByRole('textbox', { name: 'Layers' }), '4-9');
    await section('Placement').getByRole('alert').waitFor();
  });

  it('shares parameters over layers when told so [sharing.scope, sharing.badge]', async () => {
    await openExample();
    await selectModule('Query projection', 0);
    await section('Placement').getByRole('combobox', { name: 'Parameters' }).click();
    await app.page.getByRole('option', { name: 'one set for the stack' }).click();
    await app.page.getByText('43,008 trainable').first().waitFor({ timeout: 60_000 });
    await inspector()
      .getByRole('button', { name: /Parameter sets/ })
      .click();
    await section('Parameter sets').getByText('1 shared set').waitFor();
  });

  it('takes another value in one layer, marked, and goes back to the stack [stack.override]', async () => {
    await openGraph();
    // All, then layers 0 to 5.
    await app.page.getByRole('radiogroup', { name: 'Layer', exact: true }).getByRole('radio').nth(5).click();
    await selectModule('Query projection', 4);
    await type(number('Rank'), '16');
    await inspector().getByText('own value in layer 4').waitFor();
    await inspector()
      .getByRole('button', { name: /Reset rank of layer 4/ })
      .click();
    await expect.poll(() => number('Rank').inputValue()).toBe('8');
  });

  it('shows shapes, parameters, memory and the gradient [inspector.shapes, inspector.gradient-path]', async () => {
    await openGraph();
    await select('layers/key');
    await section('Shapes and figures').getByText('[B, T, 384] f32').waitFor();
    await section('Shapes and figures').getByText('in 6 layers').waitFor();
    await section('Gradient').getByText('passes through in layers 1-5').waitFor();
    await section('Gradient').getByText('lora_attn_query').waitFor();
    await select('embeddings');
    await section('Gradient').getByText('No gradient comes here').waitFor();
  });

  it('renders its equation and names its paper [inspector.equation]', async () => {
    await openExample();
    await selectModule('Value projection', 1);
    await section('Equation and version').locator('.katex').first().waitFor();
    await section('Equation and version').getByText('Hu et al. 2021').waitFor();
  });
});

describe('several nodes', () => {
  it('are edited at once, differing values read mixed, as one deed [inspector.mixed]', async () => {
    await openGraph();
    await select('layers/attn_drop');
    await type(number('Probability'), '0.2');
    await select('layers/ffn_drop');
    await select('layers/attn_drop', 'Shift');
    await inspector().getByText('2 selected').waitFor();
    await expect.poll(() => number('Probability').getAttribute('placeholder')).toBe('mixed');
    await type(number('Probability'), '0.3');
    await expect.poll(() => number('Probability').inputValue()).toBe('0.3');
    await app.shot('inspector-many');
    await runCommand(app.page, 'edit.undo');
    await expect.poll(() => number('Probability').getAttribute('placeholder')).toBe('mixed');
  });
});

describe('nothing selected', () => {
  it('shows the model, its trainable share and every trainable parameter [inspector.model-summary, share.one-definition]', async () => {
    await openExample();
    await inspector().getByText('73,728 trainable = 0.32 % of the backbone (+1,540 head)').waitFor();
    await inspector().getByRole('table', { name: 'Trainable parameters' }).getByText('lora_attn_query/A').waitFor();
    await inspector().getByRole('radio', { name: 'Every layer' }).click();
    await expect.poll(() => inspector().getByRole('row').count()).toBe(27);
    await app.shot('inspector-model');
  });
  it('shows licence and card of the backbone [inspector.backbone-card]', async () => {
    await openExample();
    await section('Backbone').getByText('apache-2.0').waitFor();
    await section('Backbone').getByRole('button', { name: 'Show the model card' }).click();
    await section('Backbone').locator('pre').waitFor();
  });
});

describe('a wire', () => {
  it('is probed on one batch [canvas.probe]', async () => {
    await openGraph();
    const wire = app.page.locator('.react-flow__edge[data-id="main:|embeddings_norm.y->embeddings_drop.x"]');
    await wire.locator('path').last().dispatchEvent('click');
    await section('Ends').getByText('Embedding norm').first().waitFor();
    await section('Probe').getByRole('button', { name: 'Measure' }).click();
    await section('Probe').getByText('Deviation').waitFor({ timeout: 60_000 });
    await section('Probe')
      .getByRole('img', { name: /Histogram/ })
      .waitFor();
    await app.shot('inspector-wire');
  });
});
