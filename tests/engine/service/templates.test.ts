/** Every template makes a sound document; those without sources train two steps on their own sample data. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { join } from 'node:path';
import { main } from '../../../engine/cli/main.ts';
import { TEMPLATES } from '../../../engine/cli/templates.ts';
import { makeFolders, runService, type Running } from './service.ts';

let running: Running;
beforeAll(async () => {
  running = await runService(await makeFolders());
});
afterAll(async () => {
  await running.close();
  running.folders.remove();
});

const isError = (d: { readonly severity: string }): boolean => d.severity === 'error';

it('ships at least ten, listed in the catalog', async () => {
  const { templates } = await running.call('app.catalog', {});
  expect(templates.length).toBeGreaterThanOrEqual(10);
  expect(templates.map((t) => t.name)).toEqual(TEMPLATES.map((t) => t.name));
});

describe.each(TEMPLATES)('$name', (template) => {
  it('is sound', async () => {
    const opened = await running.call('project.new', {
      name: `from ${template.name}`,
      from: { kind: 'template', template: template.name },
    });
    expect(opened.diagnostics.filter(isError)).toEqual([]);
    const { project, revision } = opened;
    const findings = await running.call('check.now', { project, revision, phase: 'findings' });
    const costs = await running.call('check.now', { project, revision, phase: 'costs' });
    for (const view of [findings, costs]) {
      expect(view.diagnostics.filter(isError)).toEqual([]);
      expect(view.models[0]?.totals.trainable).toBeGreaterThan(0);
      expect(view.models[0]?.totals.head).toBeGreaterThan(0);
    }
    // Both phases tell the same of what both know.
    const plain = (view: typeof costs): unknown =>
      view.models.map(({ nodes, trainable, totals }) => ({
        nodes: nodes.map(({ node, copies, output, frozen, trainable: t }) => ({ node, copies, output, frozen, t })),
        trainable,
        parameters: totals.parameters,
        backbone: totals.backbone,
        head: totals.head,
      }));
    expect(plain(findings)).toEqual(plain(costs));
    if (template.sources.length > 0) expect(costs.models.map((m) => m.model).sort()).toEqual(['main', 'source']);
  });

  it('trains', async () => {
    const file = join(running.folders.workspace, `from ${template.name}.espalier.json`);
    const out: string[] = [];
    const surroundings = {
      cwd: running.folders.workspace,
      out: (text: string) => void out.push(text),
      err: (text: string) => void out.push(text),
      terminal: false,
    };
    const set = [
      '--set',
      'workflow:train.maxSteps=2',
      ...(template.sources.length > 0 ? ['--set', 'sources/train.maxSteps=2'] : []),
    ];
    const code = await main(['run', file, '--to', 'train', ...set, '--json'], surroundings);
    expect(code, out.join('').slice(-3000)).toBe(0);
  });
});
