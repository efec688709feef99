/** The parts of runs that need no process: following events, copies of documents, words for what is trained, archives. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openEventLog } from '../../../../engine/cli/runEvents.ts';
import { makeRegistry } from '../../../../engine/compile/registry.ts';
import { NODES } from '../../../../nodes/index.ts';
import { parseDocument } from '../../../../engine/protocol/parse.ts';
import { knowsType } from '../../../../engine/workflow/loadDocument.ts';
import { RunFollower } from '../../../../engine/service/runs/follow.ts';
import { identify, isAlive } from '../../../../engine/service/runs/processes.ts';
import { recipeWords } from '../../../../engine/service/runs/recipe.ts';
import { QueueFile } from '../../../../engine/service/runs/record.ts';
import { FileTail } from '../../../../engine/service/runs/tail.ts';
import { seedOf, variants } from '../../../../engine/service/runs/variants.ts';
import { storedZip } from '../../../../engine/service/runs/zip.ts';
import { root } from '../../../../build/setup.mjs';

const folder = mkdtempSync(join(tmpdir(), 'espalier-runs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const registry = makeRegistry(NODES);
const text = readFileSync(join(root, 'examples', 'first-steps.espalier.json'), 'utf8');
const { document } = parseDocument(text, 'first-steps', { knows: knowsType(registry) });
if (!document) throw new Error('the example is a document');

const follow = (...events: readonly unknown[]): RunFollower => {
  const follower = new RunFollower(() => undefined, { trainable: 5, backbone: 7 });
  for (const e of events) follower.take(typeof e === 'string' ? e : JSON.stringify(e));
  return follower;
};

describe('following a run', () => {
  const begin = { event: 'begin', step: 'train', type: 'train', number: 1, of: 1, folder: '/x/steps/train-0' };
  const step = (done: number, loss: number | null) => ({
    event: 'step',
    step: 'train',
    done,
    of: 9,
    epoch: 1,
    loss,
    elapsed: done,
  });
  it('passes over what is no line of ours and keeps figures that are numbers', () => {
    const odd = ['', '{', '[]', 'null', '{"event":"step"', { event: 'finding', step: 'x', diagnostic: { message: 3 } }];
    const { points, digest, diagnostics } = follow(...odd, begin, step(1, null), { event: 'error', diagnostics: 'x' });
    expect(diagnostics).toEqual([]);
    expect(digest).toMatchObject({ step: 1, steps: 9, trainable: 5, backbone: 7 });
    expect(points.filter((p) => p.kind === 'step')).toMatchObject([{ loss: null, taps: {} }]);
  });
  it('adds up the seconds of all processes', () => {
    const { digest } = follow({ event: 'process' }, begin, step(3, 1), { event: 'process' }, begin, step(4, 1));
    expect(digest.seconds).toBe(7);
  });
  it('tells baselines beside the figure only where they are of the same step', () => {
    const baseline = { event: 'baseline', step: 'train', primary: 'f1', majority: { f1: 0.2 }, untrained: { f1: 0.3 } };
    const end = { event: 'end', step: 'train', primary: 'f1', metrics: { f1: 0.9 }, folder: '/x/steps/train-0' };
    expect(follow(begin, baseline, end).digest).toMatchObject({
      metric: 'f1',
      figure: 0.9,
      majority: 0.2,
      untrained: 0.3,
    });
    const test = { ...end, step: 'test', metrics: { f1: 0.8 } };
    const { digest } = follow(begin, baseline, end, { ...begin, step: 'test', type: 'evaluate' }, test);
    expect(digest.figure).toBe(0.8);
    expect([digest.majority, digest.untrained]).toEqual([undefined, undefined]);
  });
});

describe('a tail', () => {
  it('waits for the end of a line, across characters of several bytes', () => {
    const file = join(folder, 'tail');
    const tail = new FileTail(file);
    expect(tail.read()).toEqual([]);
    const bytes = Buffer.from('{"a":"ü"}\n{"b":1}\n', 'utf8');
    writeFileSync(file, bytes.subarray(0, 7));
    expect(tail.read()).toEqual([]);
    writeFileSync(file, bytes.subarray(7), { flag: 'a' });
    expect(tail.read()).toEqual(['{"a":"ü"}', '{"b":1}']);
    tail.close();
  });
});

describe('copies of a document', () => {
  it('differ in seeds and values, and nothing else', () => {
    const request = { seeds: [4, 5], sweep: { param: 'train.lr', values: [0.1, 0.2] } };
    const made = variants(document, request, () => 0.5);
    if (!made.ok) throw new Error(JSON.stringify(made.error));
    expect(made.value.map((v) => v.words)).toEqual([
      'lr 0.1, seed 4',
      'lr 0.1, seed 5',
      'lr 0.2, seed 4',
      'lr 0.2, seed 5',
    ]);
    expect(made.value.map((v) => seedOf(v.document))).toEqual([4, 5, 4, 5]);
    expect(made.value[0]?.document.models).toBe(document.models);
    expect(variants(document, { sweep: { param: 'ghost.lr', values: [1] } }, () => 1).ok).toBe(false);
    expect(variants(document, { seeds: Array.from({ length: 300 }, (_, i) => i) }, () => 1).ok).toBe(false);
  });
});

describe('what a document trains', () => {
  it('is said in words made of its graph', () => {
    expect(recipeWords(document, registry)).toMatch(/^LoRA r\d+ on query, value, 6 layers$/);
  });
});

describe('processes', () => {
  it('are told apart by number and start', () => {
    const self = identify(process.pid);
    expect(self && isAlive(self)).toBe(true);
    expect(isAlive({ pid: process.pid, start: 'long ago' })).toBe(false);
    expect(identify(2 ** 22 + 1)).toBeUndefined();
  });
});

describe('an archive', () => {
  it('is one that others open', () => {
    writeFileSync(join(folder, 'a.txt'), 'hello');
    const zip = join(folder, 'a.zip');
    storedZip(zip, [{ name: 'in/a.txt', path: join(folder, 'a.txt') }]);
    const program = `import zipfile,sys; z=zipfile.ZipFile(sys.argv[1]); print(z.testzip(), z.read('in/a.txt').decode())`;
    expect(execFileSync('python3', ['-c', program, zip], { encoding: 'utf8' }).trim()).toBe('None hello');
  });
});

describe('the file of events', () => {
  it('is begun on a line of its own, and a full disk stops nothing', () => {
    const file = join(folder, 'events.jsonl');
    writeFileSync(file, '{"event":"st');
    const log = openEventLog(file);
    log.write('{"event":"x"}\n');
    log.close();
    expect(readFileSync(file, 'utf8').split('\n').slice(1)).toEqual([
      expect.stringContaining('"event":"process"') as string,
      '{"event":"x"}',
      '',
    ]);
    if (!existsSync('/dev/full')) return;
    const full = openEventLog('/dev/full');
    for (let i = 0; i < 100; i++) full.write('{"event":"x"}\n');
    full.close();
  });
});

describe('the queues of services that share a home', () => {
  it('are taken over only when their service is gone', () => {
    const self = identify(process.pid);
    const parent = identify(process.ppid);
    if (!self || !parent) throw new Error('both processes are alive');
    const home = join(folder, 'home');
    const [ours, alive, gone] = [self, parent, { pid: 2 ** 22 + 3, start: 'x' }].map((o) => new QueueFile(home, o));
    ours?.write(['a', 'b']);
    alive?.write(['c']);
    gone?.write(['d', 'a']);
    expect([...(ours?.takeOver() ?? [])].sort()).toEqual(['a', 'b', 'd']);
    expect(ours?.takeOver()).toHaveLength(3);
    expect(readdirSync(join(home, 'runs'))).toHaveLength(2);
  });
});
