/** Parts of the workflow by themselves: the list of steps, reading them, splits, modules, containers. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../../engine/base/errors.ts';
import { encodeSafetensors } from '../../../engine/checkpoints/safetensors.ts';
import { makeToolkit } from '../../../engine/cli/toolkit.ts';
import { parseDocument } from '../../../engine/protocol/parse.ts';
import { recordOf, type RecipeId } from '../../../engine/protocol/ids.ts';
import type { Document } from '../../../engine/protocol/document.ts';
import { openContainer, writeContainer, type ContainerInfo } from '../../../engine/workflow/container.ts';
import { dataArtifact, readData, splitData } from '../../../engine/workflow/data.ts';
import { sourceModules, theSourceModule } from '../../../engine/workflow/modules.ts';
import { checkWorkflow, readStepParams } from '../../../engine/workflow/readStep.ts';
import { settingsOf } from '../../../engine/workflow/steps/train.ts';
import { STEP_TYPES, stepType, type StepType } from '../../../engine/workflow/stepTypes.ts';
import { checkSettings, DEFAULT_SETTINGS } from '../../../engine/trainer/settings.ts';
import { applyPreset } from '../../../nodes/index.ts';
import { csvOf, sentences } from '../../support/tinyBackbone.ts';
import { documentOf, MAIN, tinyGraph } from '../../support/tinyModels.ts';

const toolkit = makeToolkit();
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-workflow-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const withPreset = (method: string, params: Readonly<Record<string, unknown>> = {}): Document => {
  const made = applyPreset(documentOf(tinyGraph()), MAIN, method, params);
  if (!made.ok) throw new Error(made.error);
  return made.value;
};

describe('the list of steps', () => {
  const types: readonly StepType[] = STEP_TYPES;
  it('names every type once, with help for all that a person sees', () => {
    expect(new Set(types.map((t) => t.type)).size).toBe(types.length);
    for (const type of types) {
      const helps = [type.help, ...Object.values(type.params).map((p) => p.help)];
      for (const help of helps) expect(help, type.type).toMatch(/\.$/);
    }
  });
  it('has defaults that fit', () => {
    for (const type of types) {
      const given = Object.fromEntries(Object.entries(type.params).map(([name, spec]) => [name, spec.default]));
      readStepParams(type, given, {}, (d) => expect.unreachable(d.message));
    }
  });
  it('has a training step whose defaults are those of the trainer', () => {
    const read = readStepParams(stepType('train') as (typeof STEP_TYPES)[3], {}, {}, () => undefined);
    const settings = settingsOf(read);
    checkSettings(settings);
    expect(settings).toEqual(DEFAULT_SETTINGS);
  });
});

describe('reading a workflow', () => {
  const findings = (workflow: unknown): readonly string[] => {
    const text = JSON.stringify({ format: 'espalier', version: 1, title: 't', models: {}, workflow });
    const { document, diagnostics } = parseDocument(text, 'x');
    if (!document) throw new Error(JSON.stringify(diagnostics));
    return checkWorkflow(document).map((d) =>
      `${d.code} ${d.where.node ?? ''} ${d.where.port ?? d.where.param ?? ''}`.trim(),
    );
  };
  const table = { type: 'data.table', version: 1, params: { file: 'x.csv', text: ['text'] } };
  it.each([
    ['an unknown type', { nodes: { a: { type: 'ghost', version: 1 } } }, ['step-type-unknown a']],
    ['a newer version', { nodes: { a: { ...table, version: 9 } } }, ['step-version-newer a']],
    ['an unknown parameter', { nodes: { a: { ...table, params: { fil: 'x' } } } }, ['param-unknown a fil']],
    ['a wrong value', { nodes: { a: { ...table, params: { text: [1] } } } }, ['param-invalid a text']],
    [
      'an address of the web',
      { nodes: { a: { ...table, params: { file: 'https://x.org/y' } } } },
      ['param-invalid a file'],
    ],
    [
      'missing inputs',
      { nodes: { t: { type: 'train', version: 1 } } },
      ['input-missing t model', 'input-missing t data'],
    ],
    ['a model step without a model', { nodes: { m: { type: 'model', version: 1 } } }, ['model-unnamed m']],
    [
      'two wires into one port',
      {
        nodes: { a: table, b: table, s: { type: 'data.split', version: 1 } },
        edges: ['a', 'b'].map((node) => ({ from: { node, port: 'data' }, to: { node: 's', port: 'data' } })),
      },
      ['port-single s data'],
    ],
    [
      'items of a for-each step that set what is wrong',
      {
        nodes: {
          e: {
            type: 'for-each',
            version: 1,
            items: [{ name: 'i', set: { a: { task: 'sing' } } }],
            body: { nodes: { a: table } },
          },
        },
      },
      ['param-invalid e[i]/a task'],
    ],
  ])('finds %s', (_name, workflow, expected) => {
    expect(findings(workflow)).toEqual(expected);
  });
});

describe('a split', () => {
  it('parts the rows by chance, the same way each time', async () => {
    const file = join(folder, 'data.csv');
    writeFileSync(file, csvOf(sentences(50)));
    const columns = { task: 'classification', text: ['text'], label: ['label'] } as const;
    const data = dataArtifact({ file, format: undefined, badRows: 'stop', columns });
    const rowsOf = async (side: 'train' | 'eval', seed = 1): Promise<readonly number[]> => {
      const { rows } = await readData(splitData(data, { side, share: 0.2, seed }), undefined, () => undefined);
      return Array.from(rows ?? []);
    };
    const [train, evaluation] = [await rowsOf('train'), await rowsOf('eval')];
    expect(evaluation).toHaveLength(10);
    expect([...train, ...evaluation].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(await rowsOf('eval')).toEqual(evaluation);
    expect(await rowsOf('eval', 2)).not.toEqual(evaluation);
    expect(evaluation).toEqual([...evaluation].sort((a, b) => a - b));
  });
});

describe('modules of a model', () => {
  it('are those that can be sources, with the names of their tensors', () => {
    const document = withPreset('pfeiffer', { layers: '1..' });
    const [module, ...others] = sourceModules(document, MAIN, toolkit.registry);
    expect(others).toEqual([]);
    expect(module).toMatchObject({
      node: 'layers/pfeiffer',
      type: 'peft.bottleneck',
      prefix: 'layers/{layer}/pfeiffer/',
      layers: [1, 2],
    });
    expect(module?.params['activation']).toBe('relu');
  });
  it('must be one alone to be a source', () => {
    const found = (method: string) => theSourceModule(sourceModules(withPreset(method), MAIN, toolkit.registry), {});
    expect(found('houlsby')).toMatchObject({ ok: false, error: { code: 'source-modules' } });
    expect(found('head')).toMatchObject({ ok: false, error: { code: 'source-modules' } });
    expect(found('pfeiffer').ok).toBe(true);
  });
  it('must have the same parameters in all layers', () => {
    const document = withPreset('pfeiffer');
    const recipes = Object.entries(document.recipes).map(
      ([id, r]) =>
        [id as RecipeId, { ...r, params: { ...r.params, dropout: { all: 0, at: recordOf([['0', 0.5]]) } } }] as const,
    );
    const modules = sourceModules({ ...document, recipes: recordOf(recipes) }, MAIN, toolkit.registry);
    expect(theSourceModule(modules, {})).toMatchObject({ ok: false, error: { code: 'source-layered' } });
  });
});

describe('a container', () => {
  const info = (): ContainerInfo => ({
    model: MAIN,
    document: withPreset('lora'),
    modules: [],
    backbone: { reference: 'starter', hash: 'ab'.repeat(32) },
    sources: [],
    data: { task: 'classification', labels: ['a', 'b', 'c'], text: ['text'], label: ['label'], maxLength: 16 },
    primary: 'accuracy',
    metrics: { accuracy: 0.5, loss: null },
  });
  const tensor = { name: 'head/out.bias', dtype: 'F32', shape: [2], data: Float32Array.of(1, 2) } as const;
  it('comes back as it was written', () => {
    const file = join(folder, 'a.safetensors');
    writeContainer(file, info(), [tensor]);
    const opened = openContainer(file, toolkit.registry);
    const { file: tensors, read: _read, ...rest } = opened;
    expect(rest).toEqual(info());
    expect(opened.read('head/out.bias')).toEqual(tensor.data);
    expect(tensors.tensors.size).toBe(1);
  });
  it.each([
    ['other safetensors', new Map<string, string>(), 'adapter-unreadable'],
    ['a newer format', new Map([['espalier_format', '2']]), 'adapter-newer'],
    ['missing parts', new Map([['espalier_format', '1']]), 'adapter-unreadable'],
    [
      'broken parts',
      new Map([
        ['espalier_format', '1'],
        ['modules', '{'],
      ]),
      'adapter-unreadable',
    ],
  ])('is refused with %s', (_name, metadata, code) => {
    const file = join(folder, 'b.safetensors');
    writeFileSync(file, encodeSafetensors([tensor], metadata));
    try {
      openContainer(file, toolkit.registry);
      expect.unreachable();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      expect(error.diagnostics[0]?.code).toBe(code);
    }
  });
});
