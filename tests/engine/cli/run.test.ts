/** `run` and `predict`: results, what is known from an earlier run, stopping and going on, exit codes. */
import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NEW, place, ran, type Place } from './espalier.ts';

let at: Place;
beforeAll(() => {
  at = place();
  const made = at.run(...NEW);
  if (made.code !== 0) throw new Error(made.err);
});
afterAll(() => at.remove());

type Line = Readonly<Record<string, unknown>>;

describe('espalier run', () => {
  it('trains, and says so as JSON lines with a last line of fixed shape', () => {
    const { code, lines } = at.run('run', 'doc.json', '--out', 'out', '--json');
    expect(code).toBe(0);
    const events = lines();
    expect(events.filter((e) => e['event'] === 'step')).toHaveLength(12);
    expect(events.filter((e) => e['event'] === 'evaluation')).toHaveLength(2);
    const done = events.at(-1) as Line;
    expect(done).toMatchObject({ event: 'done', trainable_parameters: 290, output: at.path('out') });
    for (const name of ['seconds', 'examples_per_second', 'peak_rss_bytes'])
      expect(done[name], name).toBeGreaterThan(0);
    expect(done['metrics']).toMatchObject({ rows: 24, accuracy: expect.any(Number) as number });
  });
  it('leaves the adapter, the metrics and what ran where', () => {
    expect(at.files().filter((f) => /^out\/[^/]+$/.test(f))).toEqual(
      expect.arrayContaining(['out/adapter.safetensors', 'out/metrics.jsonl', 'out/run.json']),
    );
    const metrics = at.read('out/metrics.jsonl').trim().split('\n');
    expect(metrics.map((l) => (JSON.parse(l) as Line)['event'])).toEqual(
      expect.arrayContaining(['step', 'evaluation']),
    );
    expect(existsSync(at.path('home', 'work')) && at.files().some((f) => f.includes('onnx'))).toBe(false);
  });
  it('runs a step again only when something that it needs has changed', () => {
    const again = at.run('run', 'doc.json', '--out', 'out', '--json').last();
    expect(again['steps']).toMatchObject([{ step: 'train', known: true }]);
    const other = at.run('run', 'doc.json', '--out', 'out', '--json', '--set', 'train.seed=5').last();
    expect(other['steps']).toMatchObject([{ step: 'train', known: false }]);
    const words = at.read('doc.json').replace('"title": "lora on train.csv"', '"title": "other words"');
    at.write('retitled.json', words);
    expect(at.run('run', 'retitled.json', '--out', 'out', '--json').last()['steps']).toMatchObject([{ known: true }]);
  });
  it('gives the same numbers in another folder', () => {
    const metrics = at.run('run', 'doc.json', '--out', 'other', '--json').last()['metrics'];
    expect(at.run('run', 'doc.json', '--out', 'out', '--json').last()['metrics']).toEqual(metrics);
    const lines = (folder: string): string => at.read(`${folder}/metrics.jsonl`);
    expect(lines('other')).toBe(lines('out'));
  });
  it('prints a summary for people and keeps standard output free of progress', () => {
    const { code, out, err } = at.run('run', 'doc.json', '--set', 'train.seed=9');
    expect(code).toBe(0);
    expect(out).toMatch(/train +accuracy +[01]\.\d{4} +290\nDone in .*\. The files are in .*\.espalier\/doc\n$/);
    expect(err).toContain('[1/1] train');
    expect(err).toContain('epoch 1.0: accuracy');
  });
  it('runs the steps that are asked for only', () => {
    expect(at.run('run', 'doc.json', '--to', 'data', '--out', 'none', '--json').last()['steps']).toEqual([]);
    const refused = at.run('run', 'doc.json', '--to', 'ghost', '--out', 'none', '--json');
    expect([refused.code, refused.findings()[0]?.code]).toEqual([1, 'step-missing']);
  });
  it('stops at an interrupt with a checkpoint, and goes on to the same end', async () => {
    const settings = ['--set', 'train.epochs=40', '--set', 'train.checkpointEvery=2', '--json'];
    const child = at.start('run', 'doc.json', '--out', 'stopped', ...settings);
    let out = '';
    let asked = false;
    child.stdout?.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      if (!asked && out.includes('"done":7,')) asked = child.kill('SIGINT');
    });
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).toBe(130);
    expect(ran(code, out, '').last()).toMatchObject({ event: 'stopped' });
    const refused = at.run('run', 'doc.json', '--out', 'stopped', ...settings);
    expect([refused.code, refused.findings()[0]?.code]).toEqual([1, 'run-exists']);
    const resumed = at.run('run', 'doc.json', '--out', 'stopped', '--resume', ...settings);
    expect(resumed.code).toBe(0);
    expect(resumed.lines().some((l) => l['event'] === 'resumed')).toBe(true);
    const whole = at.run('run', 'doc.json', '--out', 'whole', ...settings);
    expect(at.read('stopped/metrics.jsonl')).toBe(at.read('whole/metrics.jsonl'));
    expect(resumed.last()['metrics']).toEqual(whole.last()['metrics']);
  });
});

describe('espalier predict', () => {
  it('answers for texts, as lines and as JSON', () => {
    const { code, out } = at.run('predict', 'out', '--text', 'the film was great', '--text', 'a dull plot');
    expect(code).toBe(0);
    expect(out.trim().split('\n')).toEqual([
      expect.stringMatching(/^(good|bad) \(\d+\.\d %\)\tthe film was great$/),
      expect.stringMatching(/^(good|bad) \(\d+\.\d %\)\ta dull plot$/),
    ]);
    const line = at.run('predict', 'out/adapter.safetensors', '--text', 'a dull plot', '--json').last();
    const { probabilities } = line as { probabilities: Record<string, number> };
    expect(Object.keys(probabilities)).toEqual(['bad', 'good']);
    expect((probabilities['bad'] ?? 0) + (probabilities['good'] ?? 0)).toBeCloseTo(1, 5);
  });
  it('answers the same from the PEFT files that were written beside', async () => {
    const answers = async (...run: readonly string[]): Promise<unknown> =>
      (await at.call('predict', ...run, '--text', 'a dull plot', '--json')).last()['probabilities'];
    const { bad, good } = (await answers('out')) as Record<string, number>;
    const peft = (await answers('out/peft', '--backbone', 'backbone')) as Record<string, number>;
    expect(peft['0']).toBeCloseTo(bad ?? -1, 5);
    expect(peft['1']).toBeCloseTo(good ?? -1, 5);
  });
  it.each([
    ['a folder without a run', ['predict', 'backbone', '--text', 'x'], 'run-missing'],
    ['a file that is no adapter', ['predict', 'backbone/model.safetensors', '--text', 'x'], 'adapter-unreadable'],
    [
      'a second text that the model does not take',
      ['predict', 'out', '--text', 'x', '--text-pair', 'y'],
      'predict-pairs',
    ],
  ])('refuses %s', (_name, args, code) => {
    const refused = at.run(...args, '--json');
    expect([refused.code, refused.findings()[0]?.code]).toEqual([1, code]);
  });
  it('refuses another backbone', () => {
    const text = at.read('backbone/config.json');
    at.write('backbone/config.json', text.replace('"hidden_dropout_prob":0.1', '"hidden_dropout_prob":0.2'));
    const refused = at.run('predict', 'out', '--text', 'x', '--json');
    at.write('backbone/config.json', text);
    expect([refused.code, refused.findings()[0]?.code]).toEqual([1, 'backbone-differs']);
  });
});
