/** The commands that make and look at documents, through the bundle as people start it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { once } from 'node:events';
import { cpSync } from 'node:fs';
import { newWith, place, type Place } from './espalier.ts';

let at: Place;
beforeAll(() => {
  at = place();
  const made = at.run(...newWith());
  if (made.code !== 0) throw new Error(made.err);
});
afterAll(() => at.remove());

describe('espalier', () => {
  it('says how it is used', () => {
    const { code, out } = at.run('--help');
    expect(code).toBe(0);
    for (const name of ['new', 'check', 'run', 'predict', 'inspect', 'export', 'models', 'nodes'])
      expect(out).toContain(name);
  });
  it('refuses a command that it does not have', () => {
    expect(at.run('frobnicate')).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('frobnicate') as string,
    });
  });
  it('ends as usual when its reader has seen enough', async () => {
    const child = at.start('nodes', '--json');
    let err = '';
    child.stderr?.on('data', (part: Buffer) => (err += part.toString('utf8')));
    child.stdout?.destroy();
    const [code] = (await once(child, 'exit')) as [number | null];
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });
  it('lists nodes, methods and steps with their parameters', () => {
    const { nodes, methods, steps } = at.run('nodes', '--json').last() as Record<
      string,
      readonly { name?: string; type?: string }[]
    >;
    expect(nodes?.map((n) => n.type)).toEqual(expect.arrayContaining(['peft.lora', 'layer.linear', 'loss.mse']));
    expect(methods?.map((m) => m.name)).toEqual(expect.arrayContaining(['lora', 'scalearn', 'head']));
    expect(steps?.map((s) => s.type)).toEqual(expect.arrayContaining(['data.table', 'train', 'predict']));
    expect(at.run('nodes').out).toContain('peft.lora');
  });
});

describe('espalier new', () => {
  it('tells which columns it chose and why, and what will train', async () => {
    const { out, code } = await at.call(...newWith('-o', 'said.json'));
    expect(code).toBe(0);
    expect(out).toContain('train.csv: The text is "text", because that is a usual name for a text.');
    expect(out).toContain('train.csv: The label is "label"');
    expect(out).toMatch(/Wrote said\.json: \d+ of .* parameters train\./);
  });
  it('writes relative paths only', async () => {
    const { workflow } = JSON.parse(at.read('doc.json')) as {
      workflow: { nodes: Record<string, { params: Record<string, unknown> }> };
    };
    expect(workflow.nodes['data']?.params).toEqual({
      file: 'train.csv',
      task: 'classification',
      text: ['text'],
      label: ['label'],
    });
    expect(workflow.nodes['model']?.params).toEqual({ backbone: './backbone' });
    expect(workflow.nodes['train']?.params).toMatchObject({ epochs: 2, batch: 8, lr: 1e-3 });
    expect(at.read('doc.json')).not.toContain(at.folder);
  });
  it('sets a tenth aside when there is no evaluation data', async () => {
    const args = newWith('-o', 'split.json').filter((a, i, all) => a !== '--eval' && all[i - 1] !== '--eval');
    expect((await at.call(...args)).out).toContain('A tenth of the rows is set aside');
    expect(at.read('split.json')).toContain('data.split');
  });
  it('does not write over a document unless it is told to', async () => {
    const before = at.read('doc.json');
    const refused = await at.call(...newWith('--json', '--lr', '0.5'));
    expect(refused.code).toBe(1);
    expect(refused.findings()[0]).toMatchObject({ code: 'output-exists', where: { file: 'doc.json' } });
    expect(at.read('doc.json')).toBe(before);
    expect((await at.call(...newWith('--force'))).code).toBe(0);
    expect(at.read('doc.json')).toBe(before);
  });
  it('makes two stages of a mixture', async () => {
    const made = await at.call(
      ...newWith('-o', 'two.json', '--json'),
      '--method',
      'scalearn',
      '--source',
      'a=train.csv',
      '--source',
      'b=eval.csv',
    );
    // The parameter r is one of LoRA's; mixtures have none of that name.
    expect(made.findings()[0]?.message).toContain('"scalearn" has no parameter "r"');
    const args = newWith('-o', 'two.json').filter((a, i, all) => a !== '--param' && all[i - 1] !== '--param');
    expect(
      (await at.call(...args, '--method', 'scalearn', '--source', 'a=train.csv', '--source', 'b=eval.csv')).code,
    ).toBe(0);
    const { models } = (await at.call('check', 'two.json', '--json')).last() as {
      models: readonly { model: string; trainable: readonly { name: string }[] }[];
    };
    expect(models.map((m) => m.model)).toEqual(['source', 'main']);
    expect(models[1]?.trainable.map((t) => t.name)).toEqual([
      'layers/0/scalearn/omega',
      'layers/1/scalearn/omega',
      'head/out.weight',
      'head/out.bias',
    ]);
  });
});

describe('espalier check', () => {
  it('tells nodes, trainable parameters and costs', async () => {
    const { code, last } = await at.call('check', 'doc.json', '--json');
    expect(code).toBe(0);
    const { ok, diagnostics, models } = last() as {
      ok: boolean;
      diagnostics: unknown[];
      models: Record<string, never>[];
    };
    expect([ok, diagnostics]).toEqual([true, []]);
    const model = models[0] as unknown as {
      nodes: { node: string; copies: number; output: string; trainable: number; flops: number; keptBytes: number }[];
      trainable: { name: string; count: number }[];
      totals: Record<string, number>;
    };
    const query = model.nodes.find((n) => n.node === 'layers/*/query');
    expect(query).toMatchObject({ copies: 2, output: 'f32[B,T,16]' });
    expect(query?.flops).toBeGreaterThan(0);
    const lora = model.nodes.find((n) => n.node === 'layers/*/query/lora_attn_query');
    expect(lora?.trainable).toBe(2 * 2 * (16 + 16));
    const counted = model.trainable.reduce((n, t) => n + t.count, 0);
    expect(model.totals['trainable']).toBe(counted);
    expect(counted).toBe(2 * 2 * 2 * (16 + 16) + 2 * 16 + 2);
    for (const name of ['peakBytes', 'keptBytes', 'stepFlops', 'forwardFlops', 'weightBytes']) {
      expect(model.totals[name], name).toBeGreaterThan(0);
    }
  });
  it('prints a table for people', async () => {
    const { out } = await at.call('check', 'doc.json');
    expect(out).toContain('predicted peak');
    expect(out).toContain('The document is sound.');
  });
  it('reports everything that is wrong at once and exits 1', async () => {
    const text = at
      .read('doc.json')
      .replace('"dropout": 0', '"dropout": 7')
      .replace('"epochs": 2', '"epochs": 0')
      .replace('"seed"', '"sed"');
    at.write('wrong.json', text);
    const { code, last } = await at.call('check', 'wrong.json', '--json');
    const { diagnostics } = last() as { diagnostics: readonly { code: string; where: Record<string, unknown> }[] };
    expect(code).toBe(1);
    expect(diagnostics.map((d) => d.where['param'])).toEqual(expect.arrayContaining(['epochs']));
  });
  it.each([
    ['a column that the data has not', [/\[\s*"text"\s*\]/, '["body"]'], 'column-missing'],
    ['an evaluation file that is not there', ['"eval.csv"', '"gone.csv"'], 'file-unreadable'],
    ['a head with other outputs than there are labels', [/"(outputs|classes)": 2/g, '"$1": 3'], 'head-size'],
    ['a task that the head is not made for', ['"task": "classification"', '"task": "regression"'], 'label-not-number'],
    ['a figure that the task has not', ['"epochs": 2', '"epochs": 2, "metric": "pearson"'], 'metric-task'],
  ] as const)('reads the data: %s', async (_what, [from, to], code) => {
    at.write('other.json', at.read('doc.json').replace(from, to));
    const checked = await at.call('check', 'other.json', '--json');
    expect(checked.findings().map((d) => d.code)).toEqual([code]);
    expect(checked.code).toBe(1);
  });
});

describe('espalier inspect', () => {
  it('lists the stages and prints one', async () => {
    const stages = (await at.call('inspect', 'doc.json', '--list')).out.trim().split('\n');
    expect(stages).toEqual(expect.arrayContaining(['trace', 'inline', 'packing', 'rowSelection', 'backward', 'cse']));
    expect((await at.call('inspect', 'doc.json')).out).toContain('repeat "layers"');
    const flat = (await at.call('inspect', 'doc.json', '--pass', 'backward')).out;
    expect(flat).not.toContain('repeat "layers"');
    expect(flat).toContain('return "grad/head/out.weight"');
  });
  it('refuses stages and models that are not there', async () => {
    expect(await at.call('inspect', 'doc.json', '--pass', 'magic')).toMatchObject({
      code: 1,
      err: expect.stringContaining('Name one of trace') as string,
    });
    expect(await at.call('inspect', 'doc.json', '--model', 'ghost')).toMatchObject({
      code: 1,
      err: expect.stringContaining('Name one of main') as string,
    });
  });
});

describe('espalier models', () => {
  it('adds a folder and uses it by its name', async () => {
    cpSync(at.path('backbone'), at.path('named'), { recursive: true });
    expect((await at.call('models', 'list')).out).toContain('No models yet.');
    expect((await at.call('models', 'add', 'named', '--name', 'tiny/bert')).code).toBe(0);
    expect((await at.call('models', 'list', '--json')).last()).toMatchObject({ models: [{ id: 'tiny/bert' }] });
    expect((await at.call(...newWith('--backbone', 'tiny/bert', '-o', 'named.json'))).code).toBe(0);
    expect(at.read('named.json')).toContain('"backbone": "tiny/bert"');
  });
});

describe('espalier export', () => {
  it('writes PyTorch code', async () => {
    const { code } = await at.call('export', 'doc.json', '--to', 'torch', '--out', 'code');
    expect(code).toBe(0);
    expect(at.read('code/model.py')).toContain('class ');
  });
});
