/** Input at fault: each time the exit code is 1, the message names the place and what to do, and nothing is written. */
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatDiagnostic } from '../../../engine/base/errors.ts';
import { writeTinyBackbone } from '../../support/tinyBackbone.ts';
import { NEW, newWith, place, type Place } from './espalier.ts';

let at: Place;
beforeAll(() => {
  at = place();
  const made = at.run(...NEW);
  if (made.code !== 0) throw new Error(made.err);
});
afterAll(() => at.remove());

/** Runs a command that must refuse, and gives its findings as text. */
async function refusal(...args: readonly string[]): Promise<string> {
  const before = at.files();
  const done = await at.call(...args, '--json');
  expect(done.code, done.out + done.err).toBe(1);
  expect(at.files()).toEqual(before);
  const findings = done.findings().filter((d) => d.severity === 'error');
  expect(findings.length).toBeGreaterThan(0);
  for (const d of findings) {
    expect(d.fix, d.message).toMatch(/[.!]$/);
    expect(d.message.length).toBeGreaterThan(10);
  }
  return findings.map(formatDiagnostic).join('\n');
}

/** The document with a part of its text replaced. */
function broken(name: string, from: string | RegExp, to: string): string {
  const text = at.read('doc.json').replace(from, to);
  if (text === at.read('doc.json')) throw new Error(`nothing to replace: ${String(from)}`);
  return at.write(name, text);
}

describe('documents', () => {
  it.each<[string, string | RegExp, string, readonly string[]]>([
    ['no JSON', /^\{/, '{,', ['bad.json, row 1']],
    ['a name twice', '"title":', '"title": "a", "title":', ['bad.json, row', 'title']],
    [
      'a prototype key',
      '"recipes": {',
      '"recipes": { "__proto__": { "type": "peft.lora", "version": 1 },',
      ['__proto__'],
    ],
    ['another format', '"format": "espalier"', '"format": "espadrille"', ['"format" is "espadrille"']],
    ['a newer version', '"version": 1', '"version": 99', ['99']],
    ['an unknown field', '"workflow": {', '"workflaw": {}, "workflow": {', ['workflaw']],
    ['an unknown node type', '"type": "layer.norm"', '"type": "layer.nrom"', ['layer.nrom', 'embeddings_norm']],
    ['an unknown step type', '"type": "train"', '"type": "trian"', ['trian', 'data.table']],
    ['a wire from nowhere', '"node": "data", "port": "data"', '"node": "dota", "port": "data"', ['dota']],
    ['a wire to no port', '"port": "eval"', '"port": "evil"', ['port "evil"', 'model, data, eval']],
    [
      'a wire of the wrong kind',
      '"node": "eval", "port": "data" }, "to": { "node": "train", "port": "eval"',
      '"node": "model", "port": "model" }, "to": { "node": "train", "port": "eval"',
      ['takes data', 'an untrained model'],
    ],
    ['a parameter out of its range', '"epochs": 2', '"epochs": 0', ['node "train", parameter "epochs"', '1 or more']],
    ['an unknown parameter', '"epochs": 2', '"epoch": 2', ['parameter "epoch"', 'Use one of epochs']],
    ['a rank out of its range', '"rank": 2', '"rank": 0', ['layers/lora_attn_query', 'parameter "rank"']],
    ['an absolute path', '"file": "train.csv"', '"file": "/data/train.csv"', ['parameter "file"', 'absolute']],
    [
      'a file that is not there',
      '"file": "train.csv"',
      '"file": "gone.csv"',
      ['node "data", parameter "file"', 'gone.csv'],
    ],
    ['a backbone that is not there', './backbone', './ghost', ['ghost']],
    ['a model of the store that is not there', './backbone', 'org/ghost', ['org/ghost', 'models get']],
    ['a model that no step has', '"model": "main"', '"model": "mian"', ['mian; models are main']],
  ])('with %s', async (_name, from, to, words) => {
    const text = await refusal('run', broken('bad.json', from, to), '--out', 'never');
    for (const word of words) expect(text).toContain(word);
  });
  it('with a cycle', async () => {
    const edge = '{ "from": { "node": "$in", "port": "hidden" }, "to": { "node": "query", "port": "x" } }';
    const back = '{ "from": { "node": "ffn_norm", "port": "y" }, "to": { "node": "query", "port": "x" } }';
    expect(await refusal('run', broken('bad.json', edge, back), '--out', 'never')).toMatch(/cycle.*ffn_norm/s);
  });
  it('nested deeper than a person would', async () => {
    const deep = broken('bad.json', '"title":', `"view": ${'['.repeat(5000)}${']'.repeat(5000)}, "title":`);
    expect(await refusal('run', deep, '--out', 'never')).toContain('bad.json, row');
  });
  it('that are not there, or a folder', async () => {
    expect(await refusal('run', 'ghost.json')).toContain('ENOENT');
    expect(await refusal('check', 'backbone')).toContain('EISDIR');
  });
});

describe('settings of the command line', () => {
  it.each([
    ['a parameter that is no number', ['--set', 'train.lr=fast'], ['node "train", parameter "lr"', 'a finite number']],
    ['a parameter out of its range', ['--set', 'train.epochs=0'], ['parameter "epochs"', '1 or more']],
    ['a step that is not there', ['--set', 'trian.epochs=1'], ['trian', 'nodes are']],
    ['no setting', ['--set', 'epochs'], ['node.parameter=value']],
    ['a device that there is none of', ['--device', 'tpu'], ['tpu', 'onnx:cpu']],
    ['a figure that does not fit the task', ['--set', 'train.metric=pearson'], ['pearson', 'accuracy, f1']],
  ])('%s', async (_name, args, words) => {
    const text = await refusal('run', 'doc.json', '--out', 'never', ...args);
    for (const word of words) expect(text).toContain(word);
  });
});

describe('data', () => {
  it.each([
    ['a row with a cell too many', 'text,label\ngood film,good\nbad, film,bad\n', ['row 2', 'train2.csv']],
    ['a quote that is never closed', 'text,label\n"good film,good\nbad film,bad\n', ['train2.csv, row 1']],
    ['no rows', 'text,label\n', ['train2.csv']],
    ['nothing', '', ['empty']],
    ['one class only', 'text,label\ngood film,good\nfine film,good\n', ['column "label"', 'good']],
    ['an empty label', 'text,label\ngood film,good\nbad film,\n', ['column "label"', '2']],
    ['two columns of one name', 'text,text\na,b\n', ['text']],
    ['no column that could be the text', 'a,b\n1,2\n3,4\n', ['a', 'b']],
  ])('with %s', async (_name, text, words) => {
    at.write('train2.csv', text);
    const found = await refusal(...newWith('--data', 'train2.csv', '-o', 'never.json'));
    for (const word of words) expect(found).toContain(word);
  });
  it('that is no text', async () => {
    writeFileSync(
      at.path('train2.csv'),
      Buffer.from([0x74, 0x65, 0x78, 0x74, 0x2c, 0x6c, 0x0a, 0xff, 0xfe, 0x00, 0x0a]),
    );
    expect(await refusal(...newWith('--data', 'train2.csv', '-o', 'never.json'))).toContain('train2.csv');
  });
  it('with a column that is not there', async () => {
    expect(await refusal(...newWith('--label-column', 'lable', '-o', 'never.json'))).toMatch(/lable.*text.*label/s);
  });
  it('whose labels are not those of the head', async () => {
    at.write('three.csv', 'text,label\ngood film,good\nbad film,bad\nthe film,plain\n');
    const text = await refusal('run', 'doc.json', '--out', 'never', '--set', 'data.file=three.csv');
    expect(text).toContain('The head gives 2 outputs, the data has 3 labels.');
  });
  it('for another task than the model', async () => {
    at.write('numbers.csv', 'text,label\ngood film,0.5\nbad film,1.5\n');
    const text = await refusal(
      'run',
      'doc.json',
      '--out',
      'never',
      '--set',
      'data.file=numbers.csv',
      '--set',
      'data.task=regression',
    );
    expect(text).toContain('The model is made for classification, the data for regression.');
  });
});

describe('models', () => {
  it.each([
    ['a truncated file', (f: string) => truncateSync(`${f}/model.safetensors`, 5000)],
    ['no configuration', (f: string) => writeFileSync(`${f}/config.json`, '[]')],
    [
      'an architecture that cannot be opened',
      (f: string) => writeFileSync(`${f}/config.json`, '{"model_type": "gpt2"}'),
    ],
    ['a tokenizer that is none', (f: string) => writeFileSync(`${f}/tokenizer.json`, '{}')],
  ])('with %s', async (_name, spoil) => {
    const folder = at.path('spoilt');
    writeTinyBackbone(folder);
    spoil(folder);
    const args = _name.includes('tokenizer')
      ? ['run', broken('bad.json', './backbone', './spoilt'), '--out', 'never']
      : newWith('--backbone', 'spoilt', '-o', 'never.json');
    expect(await refusal(...args)).toContain('spoilt');
  });
  it('with other sizes than the graph', async () => {
    writeTinyBackbone(at.path('spoilt'));
    const text = await refusal('run', broken('bad.json', /"vocabulary": 25/g, '"vocabulary": 30'), '--out', 'never');
    expect(text).toMatch(/embeddings.*checkpoint has/s);
  });
  it('in a folder that holds nothing', async () => {
    mkdirSync(at.path('hollow'), { recursive: true });
    expect(await refusal(...newWith('--backbone', 'hollow', '-o', 'never.json'))).toContain('hollow');
    expect(await refusal('models', 'add', 'hollow')).toContain('hollow');
  });
});

describe('methods', () => {
  it.each([
    ['an unknown one', ['--method', 'lorra'], ['no method is named "lorra"', 'choose one of head, lora']],
    ['an unknown parameter', ['--param', 'rank=4'], ['"lora" has no parameter "rank"']],
    ['a parameter out of its range', ['--param', 'r=0'], ['parameter "r" of "lora"', 'must be 1 or more']],
    ['a parameter without a value', ['--param', 'r'], ['--param takes NAME=VALUE']],
    ['a target that is not there', ['--param', 'targets=queri'], ['"queri" names no linear layer', 'attn.query']],
    ['a source without need', ['--source', 'a=train.csv'], ['"lora" takes no sources']],
    ['a number that is none', ['--epochs', 'many'], ['--epochs takes a number', 'many']],
  ])('%s', async (_name, args, words) => {
    const text = await refusal(...newWith(...args, '-o', 'never.json'));
    for (const word of words) expect(text).toContain(word);
  });
});
