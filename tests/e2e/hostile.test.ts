/**
 * Hostile strings wherever a person or a file can bring one in: every text of a document, file names, column names, texts
 * and labels of data, names of runs, the model's card and tokenizer, the config of an adapter. They are made by a generator;
 * every view shows them. Nothing may run, and nothing may break the policy of the page (`harness/guard.ts` fails a test that
 * does).
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { addModel } from '../../engine/checkpoints/store.ts';
import { starterModelFolder } from '../support/starter.ts';
import { openPalette, runCommand, useApp } from './harness/index.ts';
import { openDrawer, smallProject, trainToResult, untilTrain } from './training.ts';
import { dropPath, writeAdapter } from './support/adapterFolder.ts';
import { harmless, hostile } from './support/hostileStrings.ts';

const app = useApp();

const expectHarmless = (): Promise<void> => harmless(app.page);

/** Looks at everything that there is of a project. */
async function visit(): Promise<void> {
  const { page } = app;
  for (const view of ['view.graph', 'view.whatTrains', 'view.matrix', 'view.code', 'view.workflow', 'view.graph']) {
    await runCommand(page, view);
    await page.waitForTimeout(300);
    await expectHarmless();
  }
  for (const tab of ['problems', 'data', 'charts', 'runs', 'try', 'log']) {
    await runCommand(page, `drawer.${tab}`);
    await page.waitForTimeout(200);
    await expectHarmless();
  }
  await runCommand(page, 'drawer.close');
  for (const card of (await page.locator('.react-flow__node:visible').all()).slice(0, 12)) {
    await card.click({ position: { x: 12, y: 10 }, force: true, timeout: 5000 }).catch(() => undefined);
    await expectHarmless();
  }
  await openPalette(page);
  await page.keyboard.insertText(hostile());
  await page.waitForTimeout(200);
  await expectHarmless();
  await page.keyboard.press('Escape');
}

interface Leaf {
  readonly at: readonly (string | number)[];
}
function textsOf(value: unknown, at: readonly (string | number)[] = []): readonly Leaf[] {
  if (typeof value === 'string') return [{ at }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => textsOf(inner, [...at, key]));
}
function put(document: unknown, { at }: Leaf, text: string): void {
  let place = document as Record<string, unknown>;
  for (const key of at.slice(0, -1)) place = place[String(key)] as Record<string, unknown>;
  place[String(at.at(-1))] = text;
}

interface PlainNode {
  title?: string;
  notes?: string;
}
/** The small project with titles, notes and drawings wherever a document may have them. */
function talkative(name: string): { readonly file: string; readonly document: Record<string, unknown> } {
  const file = smallProject(app.surroundings, name, { train: { maxSteps: 4 } });
  const document = JSON.parse(readFileSync(join(app.workspace, file), 'utf8')) as Record<string, unknown>;
  const { nodes } = (document['models'] as Record<string, { nodes: Record<string, PlainNode> }>)['main'] ?? {
    nodes: {},
  };
  for (const node of Object.values(nodes)) [node.title, node.notes] = ['title', 'notes'];
  const steps = (document['workflow'] as { nodes: Record<string, PlainNode> }).nodes;
  for (const step of Object.values(steps)) [step.title, step.notes] = ['title', 'notes'];
  document['notes'] = 'notes';
  document['view'] = {
    graphs: {
      main: {
        notes: { n: { text: 'text', x: 40, y: 600, width: 240, height: 120 } },
        groups: { g: { title: 'title', nodes: ['pooler', 'pooler_act'] } },
      },
    },
  };
  return { file, document };
}

it('in every title and note of a document that trains [safety.hostile-strings]', async () => {
  const { file, document } = talkative('titles');
  const free = textsOf(document).filter(
    ({ at }) => /^(title|notes|text)$/.test(String(at.at(-1))) && !at.includes('params'),
  );
  expect(free.length).toBeGreaterThan(30);
  for (const leaf of free) put(document, leaf, hostile());
  writeFileSync(join(app.workspace, file), JSON.stringify(document));
  await app.openDocument(file);
  await visit();
  await app.shot('titles');
  await trainToResult(app.page);
  await visit();
}, 300_000);

it('in every other text of a document: it opens with its problems, or is refused in words [safety.hostile-strings]', async () => {
  const { page } = app;
  const groups = new Map<string, Leaf[]>();
  for (const leaf of textsOf(talkative('parts').document)) {
    const kind = String(leaf.at.at(-1));
    groups.set(kind, [...(groups.get(kind) ?? []), leaf]);
  }
  expect(groups.size).toBeGreaterThan(8);
  let opened = 0;
  for (const [kind, leaves] of groups) {
    const { document } = talkative('parts');
    for (const leaf of leaves) put(document, leaf, hostile());
    const file = `part-${kind.replace(/\W/g, '')}.espalier.json`;
    writeFileSync(join(app.workspace, file), JSON.stringify(document));
    try {
      await app.call('project.open', { path: file });
    } catch (error) {
      expect((error as Error).message).toMatch(/was refused/);
      continue;
    }
    await app.openDocument(file);
    await page.waitForTimeout(300);
    await runCommand(page, 'drawer.problems');
    await page.locator('[data-region="drawer"]').waitFor();
    await expectHarmless();
    opened += 1;
  }
  expect(opened).toBeGreaterThan(3);
}, 300_000);

it('in data: names of file and columns, texts and labels, and in names of runs [safety.hostile-strings]', async () => {
  const { page, workspace } = app;
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const [text, label] = [hostile(), hostile()];
  // As many as the head of the example has outputs.
  const labels = Array.from({ length: 4 }, hostile);
  const rows = Array.from({ length: 24 }, (_, i) => [hostile(), labels[i % 4] as string]);
  const name = `<img src=x data-hostile onerror=window.hostile=1>${"'"};.csv`;
  const table = [[text, label], ...rows].map((row) => row.map(quoted).join(',')).join('\n');
  writeFileSync(join(workspace, name), `${table}\n`);
  const { file, document } = talkative('data');
  const steps = (document['workflow'] as { nodes: Record<string, { params: Record<string, unknown> }> }).nodes;
  for (const step of ['data', 'eval']) {
    const { params } = steps[step] as { params: Record<string, unknown> };
    Object.assign(params, { file: name, text: [text], label: [label] });
  }
  writeFileSync(join(workspace, file), JSON.stringify(document));
  await app.openDocument(file);
  await openDrawer(page, 'Data');
  await page
    .getByText(labels[0] as string, { exact: false })
    .first()
    .waitFor();
  await expectHarmless();
  await trainToResult(page);
  await runCommand(page, 'runs.rename');
  const named = hostile();
  await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill(named);
  await page.getByRole('button', { name: 'Rename', exact: true }).click();
  await expectHarmless();
  await runCommand(page, 'runs.results');
  await page.waitForTimeout(500);
  await expectHarmless();
  await app.shot('data');
  await visit();
}, 300_000);

it('in the card, the config and the tokenizer of a model [safety.hostile-strings]', async () => {
  const { page } = app;
  const folder = join(app.surroundings.folder, 'hostile-model');
  mkdirSync(folder);
  cpSync(starterModelFolder(), folder, { recursive: true });
  writeFileSync(
    join(folder, 'README.md'),
    `---\nlicense: ${JSON.stringify(hostile())}\n---\n# ${hostile()}\n${hostile()}\n`,
  );
  const change = (file: string, edit: (value: Record<string, unknown>) => void): void => {
    const value = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Record<string, unknown>;
    edit(value);
    writeFileSync(join(folder, file), JSON.stringify(value));
  };
  change('config.json', (c) => Object.assign(c, { _name_or_path: hostile(), note: hostile() }));
  change('tokenizer_config.json', (c) => Object.assign(c, { name_or_path: hostile(), comment: hostile() }));
  change('tokenizer.json', (t) => {
    const tokens = t['added_tokens'] as { content: string; id: number }[];
    tokens.push({ ...(tokens[0] as { content: string; id: number }), id: 30_521, content: hostile() });
  });
  await addModel(folder, { home: app.surroundings.home, id: 'hostile' });
  const { file, document } = talkative('model');
  const steps = (document['workflow'] as { nodes: Record<string, { params: Record<string, unknown> }> }).nodes;
  Object.assign(steps['model']?.params ?? {}, { backbone: 'hostile' });
  writeFileSync(join(app.workspace, file), JSON.stringify(document));
  await app.openDocument(file);
  await visit();
  await page.locator('[data-step="model"]').click();
  await page.locator('[data-region="inspector"]').getByText('Licence', { exact: false }).first().waitFor();
  await expectHarmless();
  await app.shot('model');
}, 300_000);

it('in every text of an adapter that is dropped: it becomes modules, or is refused in words [safety.hostile-strings]', async () => {
  const { page } = app;
  await app.call('project.new', { name: 'adapters', from: { kind: 'template', template: 'head' } });
  await app.openDocument('adapters.espalier.json');
  await untilTrain(page, ['ready']);
  const plain = writeAdapter(app.surroundings.folder, 'plain');
  const config = JSON.parse(readFileSync(join(plain, 'adapter_config.json'), 'utf8')) as Record<string, unknown>;
  // What other trainers write beside what ours does.
  Object.assign(config, { auto_mapping: null, revision: 'main', inference_mode: true });
  const leaves = textsOf(config);
  expect(leaves.length).toBeGreaterThan(6);
  const configs = leaves.map((leaf) => {
    const changed = structuredClone(config);
    put(changed, leaf, hostile());
    return changed;
  });
  configs.push({ ...config, [hostile()]: hostile() });
  const outcomes = { taken: 0, refused: 0 };
  for (const [n, changed] of configs.entries()) {
    const folder = join(app.surroundings.folder, `<b data-hostile>${n}`);
    cpSync(plain, folder, { recursive: true });
    writeFileSync(join(folder, 'adapter_config.json'), JSON.stringify(changed));
    const chips = page.locator('[data-chip]');
    const dismiss = page.getByRole('region', { name: 'Messages' }).getByRole('button', { name: 'Dismiss' });
    await dropPath(page, folder);
    await expect.poll(async () => (await chips.count()) + (await dismiss.count())).toBeGreaterThan(0);
    await harmless(page);
    outcomes[(await chips.count()) > 0 ? 'taken' : 'refused'] += 1;
    if ((await chips.count()) > 0) await runCommand(page, 'edit.undo');
    await expect.poll(() => chips.count()).toBe(0);
    while ((await dismiss.count()) > 0) await dismiss.first().click();
  }
  expect(outcomes.taken).toBeGreaterThan(0);
  expect(outcomes.refused).toBeGreaterThan(0);
}, 300_000);
