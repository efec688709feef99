/** Workflows of several steps: sources into a bank and a mixture on top, only what changed runs again, evaluation and prediction. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSafetensors, readFloat32 } from '../../../engine/checkpoints/safetensors.ts';
import { makeToolkit } from '../../../engine/cli/toolkit.ts';
import { openContainer } from '../../../engine/workflow/container.ts';
import { csvOf, sentences } from '../../support/tinyBackbone.ts';
import { place, type Place, type Ran } from '../cli/espalier.ts';

let at: Place;
beforeAll(() => {
  at = place();
  at.write('a.csv', csvOf(sentences(24, 11)));
  at.write(
    'b.csv',
    'text,label\ngood film,0.9\nbad film,0.1\nthe plot was fine,0.7\na dull cast,0.2\nit is great,1.5\n',
  );
});
afterAll(() => at.remove());

/** A mixture of the sources `a` (two classes) and `b` (a number), one epoch each. */
async function newMixture(method: string, file: string): Promise<void> {
  const data = ['--backbone', 'backbone', '--data', 'train.csv', '--eval', 'eval.csv'];
  const sources = ['--source', 'a=a.csv', '--source', 'b=b.csv'];
  const made = await at.call(
    'new',
    ...data,
    '--method',
    method,
    ...sources,
    '--epochs',
    '1',
    '--batch',
    '8',
    '-o',
    file,
    '--force',
  );
  if (made.code !== 0) throw new Error(made.err);
}

type Steps = readonly { readonly step: string; readonly known: boolean }[];
const stepsOf = (ran: Ran): Steps => {
  expect(ran.code, ran.out + ran.err).toBe(0);
  return ran.last()['steps'] as Steps;
};
const ranAnew = (steps: Steps): readonly string[] => steps.filter((s) => !s.known).map((s) => s.step);
const stepFolder = (step: string): string => {
  const { steps } = JSON.parse(at.read('out/run.json')) as { steps: readonly { step: string; folder: string }[] };
  return at.path('out', steps.find((s) => s.step === step)?.folder ?? 'none');
};

describe('two stages', () => {
  it('train the sources, then the mixture of them', async () => {
    await newMixture('scalearn', 'two.json');
    const steps = stepsOf(await at.call('run', 'two.json', '--out', 'out', '--json'));
    expect(steps.map((s) => s.step)).toEqual(['sources[a]/train', 'sources[b]/train', 'train']);
  });
  it('leave the sources as they were trained, frozen in the container of the mixture', () => {
    const { registry } = makeToolkit();
    const mixture = openContainer(at.path('out', 'adapter.safetensors'), registry);
    expect(mixture.sources.map((s) => `${s.bank}.${s.name} ${s.module.type}`)).toEqual([
      'sources.a peft.bottleneck',
      'sources.b peft.bottleneck',
    ]);
    for (const name of ['a', 'b']) {
      const source = openSafetensors(`${stepFolder(`sources[${name}]/train`)}/adapter.safetensors`);
      for (const layer of [0, 1]) {
        const tensor = `layers/${layer}/pfeiffer/up.weight`;
        expect(mixture.read(`source/sources.${name}/${tensor}`)).toEqual(readFloat32(source, tensor));
      }
    }
  });
  it('fit the head of each source to its own labels', () => {
    const { registry } = makeToolkit();
    const [a, b] = ['a', 'b'].map((n) =>
      openContainer(`${stepFolder(`sources[${n}]/train`)}/adapter.safetensors`, registry),
    );
    expect([a?.data.task, a?.data.labels, a?.file.tensors.get('head/out.weight')?.shape]).toEqual([
      'classification',
      ['bad', 'good'],
      [2, 16],
    ]);
    expect([b?.data.task, b?.data.labels, b?.file.tensors.get('head/out.weight')?.shape]).toEqual([
      'regression',
      [],
      [1, 16],
    ]);
  });
  it('are enough to predict with, without the sources', async () => {
    const { code, out } = await at.call('predict', 'out', '--text', 'a fine film');
    expect([code, out]).toEqual([0, expect.stringMatching(/^(good|bad) /) as string]);
  });
  it('run again only from what changed', async () => {
    const again = (): Promise<Ran> => at.call('run', 'two.json', '--out', 'out', '--json');
    expect(ranAnew(stepsOf(await again()))).toEqual([]);
    at.write('b.csv', at.read('b.csv').replace('0.9', '0.8'));
    expect(ranAnew(stepsOf(await again()))).toEqual(['sources[b]/train', 'train']);
    at.write('eval.csv', csvOf(sentences(20, 5)));
    expect(ranAnew(stepsOf(await again()))).toEqual(['train']);
    at.write('two.json', at.read('two.json').replace('"dropout": 0.3', '"dropout": 0.2'));
    expect(ranAnew(stepsOf(await again()))).toEqual(['train']);
    at.write('two.json', at.read('two.json').replace('"title": "scalearn', '"title": "other words for scalearn'));
    expect(ranAnew(stepsOf(await again()))).toEqual([]);
  });
  it('share trained sources among documents of one folder', async () => {
    await newMixture('fusion', 'fusion.json');
    expect(ranAnew(stepsOf(await at.call('run', 'fusion.json', '--out', 'out', '--json')))).toEqual(['train']);
  });
  it('leave no file of an earlier run that was not made again', async () => {
    const data = ['--backbone', 'backbone', '--data', 'train.csv', '--eval', 'eval.csv'];
    await at.call('new', ...data, '--method', 'lora', '--epochs', '1', '-o', 'lora.json');
    const peft = (): readonly string[] => at.files().filter((f) => f.startsWith('out/peft/'));
    stepsOf(await at.call('run', 'lora.json', '--out', 'out', '--json'));
    expect(peft()).toEqual(['out/peft/adapter_config.json', 'out/peft/adapter_model.safetensors']);
    stepsOf(await at.call('run', 'two.json', '--out', 'out', '--json'));
    expect(peft()).toEqual([]);
  });
  it('stop at what is asked for', async () => {
    const steps = stepsOf(await at.call('run', 'two.json', '--to', 'sources', '--out', 'out', '--json'));
    expect(steps.map((s) => s.step)).toEqual(['sources[a]/train', 'sources[b]/train']);
  });
  it('can begin with adapters that are there', async () => {
    const data = ['--backbone', 'backbone', '--data', 'train.csv', '--eval', 'eval.csv'];
    const file = `${stepFolder('sources[a]/train')}/adapter.safetensors`;
    const made = await at.call(
      'new',
      ...data,
      '--method',
      'average',
      '--source',
      `a=${file}`,
      '-o',
      'late.json',
      '--epochs',
      '1',
    );
    expect(made.code, made.err).toBe(0);
    expect(at.read('late.json')).not.toContain(at.folder);
    expect(stepsOf(await at.call('run', 'late.json', '--out', 'late', '--json')).map((s) => s.step)).toEqual(['train']);
  });
  it('refuse a source that was trained on another backbone', async () => {
    at.write('late2.json', at.read('late.json'));
    const config = at.read('backbone/config.json');
    at.write('backbone/config.json', config.replace('"layer_norm_eps":1e-12', '"layer_norm_eps":1e-6'));
    const refused = await at.call('run', 'late2.json', '--out', 'never', '--json');
    at.write('backbone/config.json', config);
    expect([refused.code, refused.findings()[0]?.code]).toEqual([1, 'backbone-differs']);
  });
});

describe('further steps', () => {
  it('evaluate, predict and export what was trained', async () => {
    const data = ['--backbone', 'backbone', '--data', 'train.csv', '--eval', 'eval.csv'];
    await at.call('new', ...data, '--method', 'head', '--epochs', '1', '-o', 'more.json');
    const document = JSON.parse(at.read('more.json')) as {
      workflow: { nodes: Record<string, unknown>; edges: unknown[] };
    };
    const wire = (from: string, port: string, to: string, into: string): void =>
      void document.workflow.edges.push({ from: { node: from, port }, to: { node: to, port: into } });
    document.workflow.nodes['test'] = { type: 'evaluate', version: 1 };
    document.workflow.nodes['answers'] = { type: 'predict', version: 1 };
    document.workflow.nodes['copy'] = { type: 'export', version: 1 };
    for (const to of ['test', 'answers', 'copy']) wire('train', 'model', to, 'model');
    for (const to of ['test', 'answers']) wire('eval', 'data', to, 'data');
    at.write('more.json', JSON.stringify(document));
    const ran = await at.call('run', 'more.json', '--out', 'more', '--json');
    const steps = ran.last()['steps'] as readonly { step: string; metrics: Record<string, number> }[];
    expect(ran.code, ran.out).toBe(0);
    expect(steps.map((s) => s.step)).toEqual(['train', 'test', 'answers', 'copy']);
    const [train, test] = steps;
    for (const name of ['accuracy', 'macro_f1', 'rows']) expect(test?.metrics[name], name).toBe(train?.metrics[name]);
    const answers = at
      .read('more/predictions.jsonl')
      .trim()
      .split('\n')
      .map((l) => JSON.parse(l) as { row: number; label: string });
    const labels = at
      .read('eval.csv')
      .trim()
      .split('\n')
      .slice(1)
      .map((l) => l.split(',')[1]);
    expect(answers.map((a) => a.row)).toEqual(labels.map((_, i) => i + 1));
    const right = answers.filter((a, i) => a.label === labels[i]).length / answers.length;
    expect(right).toBeCloseTo(train?.metrics['accuracy'] ?? -1, 10);
  });

  it.each([
    ['evaluate', { label: ['answer'] }, 'column-missing'],
    ['evaluate', { task: 'regression' }, 'label-not-number'],
    ['predict', { text: ['body'] }, 'column-missing'],
  ] as const)('are refused before the first one trains: %s with %j', async (type, params, code) => {
    const document = JSON.parse(at.read('more.json')) as {
      workflow: { nodes: Record<string, { params?: Record<string, unknown> }>; edges: unknown[] };
    };
    const { nodes, edges } = document.workflow;
    nodes['late'] = { ...nodes['eval'], params: { ...nodes['eval']?.params, ...params } };
    nodes['last'] = { type, version: 1 } as object;
    edges.push({ from: { node: 'late', port: 'data' }, to: { node: 'last', port: 'data' } });
    edges.push({ from: { node: 'train', port: 'model' }, to: { node: 'last', port: 'model' } });
    at.write('late.json', JSON.stringify(document));
    const refused = await at.call('run', 'late.json', '--out', 'untouched', '--json');
    expect(refused.findings().map((d) => d.code)).toEqual([code]);
    expect(refused.code).toBe(1);
    expect(at.files().some((file) => file.startsWith('untouched'))).toBe(false);
    expect((await at.call('check', 'late.json', '--json')).findings().map((d) => d.code)).toEqual([code]);
  });
});
