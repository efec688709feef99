/** What the window works out of the state: pills, problems, drops, share, address, trusted scripts, guide. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../../../build/setup.mjs';
import type { Diagnostic } from '../../../engine/base/errors.ts';
import type { RunSummary } from '../../../engine/protocol/api/runs.ts';
import { parseDocument } from '../../../engine/protocol/parse.ts';
import { kindOfFiles } from '../../../renderer/app/drops.ts';
import { projectName } from '../../../renderer/app/files.ts';
import { fixFor } from '../../../renderer/app/fixes.ts';
import { pillsOf, stepsInOrder } from '../../../renderer/app/pills.ts';
import { groupProblems, wayTo } from '../../../renderer/app/problems.ts';
import { projectInAddress } from '../../../renderer/app/session.ts';
import { isDone, nextStep, trainingWords } from '../../../renderer/app/start/guide.ts';
import { isOwnScript } from '../../../renderer/app/trustedTypes.ts';
import { START } from '../../../renderer/state/editorState.ts';
import { shareOf, shareWords, shortShareWords } from '../../../renderer/state/share.ts';

const parsed = parseDocument(readFileSync(join(root, 'examples/first-steps.espalier.json'), 'utf8'), 'x');
const document = parsed.document;
if (!document) throw new Error('the example must be readable');

const finding = (where: Diagnostic['where'], severity: Diagnostic['severity'] = 'error', code = 'x'): Diagnostic => ({
  code,
  severity,
  where,
  message: `${severity}.`,
  fix: 'Do it.',
});
const run = (more: Partial<RunSummary>): RunSummary =>
  ({ state: 'done', step: 0, steps: 0, target: 'train', ...more }) as RunSummary;

it('puts steps in the order of work, data first', () => {
  expect(stepsInOrder(document).map(([id]) => id)).toEqual(['data', 'eval', 'model', 'train']);
});

it('gives each pill the state of its step', () => {
  const facts = { document, diagnostics: [], fresh: true, runs: [] };
  expect(pillsOf(facts).map((p) => `${p.title} ${p.state}`)).toEqual(['Data ok', 'Eval ok', 'Model ok', 'Train ok']);
  expect(pillsOf({ ...facts, fresh: false }).every((p) => p.state === 'stale')).toBe(true);
  const found = pillsOf({
    ...facts,
    diagnostics: [
      finding({ model: 'main', node: 'layers/3/query' }),
      finding({ model: 'main' }),
      finding({ node: 'data' }, 'warning'),
    ],
  });
  expect(found.map((p) => p.words)).toEqual(['1 warning', 'ok', '2 problems', 'ok']);
  const at = (runs: readonly RunSummary[]) => pillsOf({ ...facts, runs }).at(-1);
  expect(at([run({ state: 'training', step: 43, steps: 100 })])).toMatchObject({
    state: 'running',
    words: 'running 43 %',
  });
  expect(at([run({ state: 'failed' })])).toMatchObject({ state: 'error', words: 'the last run failed' });
  expect(at([run({ state: 'done' })])).toMatchObject({ state: 'done', words: 'trained' });
});

it('groups problems by node, the worst first, with the way there', () => {
  const groups = groupProblems(
    [
      finding({ node: 'train', param: 'lr' }, 'warning'),
      finding({ model: 'main', node: 'layers/3/query', layer: 3 }),
      finding({ model: 'main', node: 'layers/*/query', param: 'rank' }, 'info'),
      finding({}),
    ],
    document,
  );
  expect(groups.map((g) => `${g.title}: ${g.problems.length}`)).toEqual([
    'Query projection: 2',
    'Document: 1',
    'train: 1',
  ]);
  expect(groups[0]?.way).toEqual({
    place: { level: 'model', model: 'main', view: 'graph', layer: 3 },
    selection: { graph: 'main:layers', nodes: ['query'], edges: [] },
  });
  expect(groups[2]?.way?.place).toEqual({ level: 'workflow', view: 'graph' });
  expect(wayTo(document, finding({ model: 'gone', node: 'x' }))).toBeUndefined();
  expect(wayTo(document, finding({}))).toBeUndefined();
});

it('offers a way out where one is obvious', () => {
  expect(fixFor(finding({}, 'error', 'file-missing'))?.title).toBe('Locate...');
  expect(fixFor(finding({}, 'error', 'param-unknown'))?.title).toBe('Remove it');
  expect(fixFor(finding({}, 'error', 'shape-mismatch'))).toBeUndefined();
});

it.each([
  [['a.espalier.json'], 'document'],
  [['texts.csv'], 'data'],
  [['TEXTS.JSONL'], 'data'],
  [['README.md', 'adapter_config.json', 'adapter_model.safetensors'], 'adapter'],
  [['picture.png'], 'unknown'],
  [[], 'unknown'],
])('tells what was dropped: %j', (names, kind) => {
  expect(kindOfFiles(names)).toBe(kind);
});

it('makes names of files of what people choose', () => {
  expect(projectName('sst2.train.csv')).toBe('sst2.train');
  expect(projectName('folder/My data?.jsonl')).toBe('My data');
  expect(projectName('a/../..')).not.toContain('/');
  expect(projectName('???')).toBe('project');
});

it('has one definition of the trainable share', () => {
  const totals = {
    parameters: 0,
    backbone: 22_713_216,
    trainable: 74_498,
    head: 770,
    weightBytes: 0,
    trainingBytes: 0,
  };
  const share = shareOf({ totals });
  expect(shareWords(share)).toBe('73,728 trainable = 0.32 % of the backbone (+770 head)');
  expect(shortShareWords(share)).toBe('73,728 trainable, 0.32 % (+770 head)');
  expect(shareWords({ trainable: 1, head: 0, backbone: 1e9 })).toBe('1 trainable = < 0.01 % of the backbone');
  expect(shareWords({ trainable: 5, head: 0, backbone: 0 })).toBe('5 trainable');
});

it('finds the project in the address, and nothing else', () => {
  expect(projectInAddress('#project=abc_-9')).toBe('abc_-9');
  for (const hash of ['', '#ticket=abc', '#project=', '#project=a/b', '#project=a&b=c']) {
    expect(projectInAddress(hash), hash).toBeUndefined();
  }
});

it('lets scripts of its own origin pass and no others', () => {
  const base = 'http://127.0.0.1:4000/index.html';
  expect(
    ['/assets/a.js', 'http://127.0.0.1:4000/w.js', 'blob:http://127.0.0.1:4000/1'].every((u) => isOwnScript(u, base)),
  ).toBe(true);
  const foreign = [
    'http://127.0.0.1:4001/a.js',
    'https://evil.example/a.js',
    'data:text/javascript,1',
    '//evil.example/a.js',
    'javascript:1',
  ];
  expect(foreign.filter((u) => isOwnScript(u, base))).toEqual([]);
});

it('leads from step to step of the first run', () => {
  const lora = { type: 'peft.lora', family: 'reparameterised', peft: { startPoint: 'backbone', mergeable: true } };
  const catalog = { nodes: [lora], methods: [], steps: [], templates: [] } as never;
  expect(nextStep(START)).toBe('backbone');
  const bare = { ...START, catalog, document: { ...document, workflow: { nodes: {}, edges: [] } } };
  expect([isDone(bare, 'backbone'), nextStep(bare)]).toEqual([true, 'data']);
  const open = { ...START, catalog, document };
  expect(nextStep(open, 'train')).toBe('train');
  expect(nextStep({ ...open, runs: [run({})] }, 'train')).toBeUndefined();
  expect(trainingWords(document)).toBe('5 epochs, batch size 16, learning rate 0.003');
});
