/** What an imported PEFT folder becomes in the document, and what is refused before anything changes. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { must } from '../../../engine/base/errors.ts';
import { openPeftFolder } from '../../../engine/checkpoints/peft/folder.ts';
import { readFloat32, writeSafetensors } from '../../../engine/checkpoints/safetensors.ts';
import { commitEntry, type ModelSource } from '../../../engine/checkpoints/storeEntry.ts';
import type { Document } from '../../../engine/protocol/document.ts';
import { splitStack } from '../../../engine/protocol/edit.ts';
import { nodeId } from '../../../engine/protocol/ids.ts';
import type { Backbone } from '../../../engine/workflow/backbone.ts';
import { peftTypeOf, publicModelName, writePeftFolder } from '../../../engine/workflow/peftExport.ts';
import { importPeft, taskOfPeft, type ImportedPeft } from '../../../engine/workflow/peftImport.ts';
import type { HeadTask } from '../../../engine/workflow/toolkit.ts';
import { documentOn, randomParameters, subjectOf, TOOLKIT, writeTinyBackbone } from '../../support/peft.ts';
import { refusalsOf } from '../checkpoints/helpers.ts';
import { MAIN, TINY } from '../../support/tinyModels.ts';

const CLASSES: HeadTask = { kind: 'classification', outputs: 3 };

let folder = '';
let backbone: Backbone;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-peft-'));
  backbone = writeTinyBackbone(join(folder, 'bert'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

let count = 0;
/** A folder that we wrote for a preset, with fields of its configuration replaced. */
function adapter(
  preset: string,
  params: Readonly<Record<string, unknown>> = {},
  fields: Readonly<Record<string, unknown>> = {},
): string {
  const document = documentOn(backbone, CLASSES, preset, params);
  const target = join(folder, `adapter-${count++}`);
  const written = writePeftFolder(
    target,
    { ...subjectOf(backbone, document), baseModel: 'owner/name' },
    randomParameters(document),
  );
  if (!written.ok) throw new Error(written.error);
  const path = join(target, 'adapter_config.json');
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...fields }));
  return target;
}

function imported(from: string, document = documentOn(backbone, CLASSES), on = backbone): ImportedPeft {
  return importPeft({ folder: from, document, model: MAIN, backbone: on, toolkit: TOOLKIT });
}

/** What is refused; the document must be as it was. */
function refused(from: string, document = documentOn(backbone, CLASSES), on = backbone): readonly string[] {
  const before = JSON.stringify(document);
  const found = refusalsOf(() => imported(from, document, on));
  expect(JSON.stringify(document)).toBe(before);
  return found.map((d) => d.code);
}

const inside = (document: Document, id: string) => {
  const stack = must(document.models[MAIN]?.nodes[nodeId('layers')], 'stack');
  return must(stack.body?.nodes[nodeId(id)], id);
};

describe('what it becomes', () => {
  test.each([
    ['lora', { r: 4, alpha: 6, dropout: 0.1, targets: 'query,down', layers: '0-1' }],
    ['dora', { r: 2 }],
    ['ia3', {}],
    ['lntuning', { layers: '1' }],
    ['prefix', { size: 3, positions: 'shifted' }],
    ['prompt', { size: 3, pool: 'first' }],
  ] as const)('%s is the document that wrote it', (preset, params) => {
    const document = documentOn(backbone, CLASSES, preset, params);
    const parameters = randomParameters(document);
    const target = join(folder, `again-${preset}`);
    writePeftFolder(target, subjectOf(backbone, document), parameters);
    const back = imported(target);
    expect([...back.parameters.keys()].sort()).toEqual([...parameters.keys()].sort());
    for (const [path, { shape, data }] of parameters) expect(back.parameters.get(path)).toEqual({ shape, data });
    expect(peftTypeOf(subjectOf(backbone, back.document))).toEqual(peftTypeOf(subjectOf(backbone, document)));
  });

  test('ranks by layer are overrides of one recipe', () => {
    const from = adapter('lora', { r: 4, targets: 'query' });
    const opened = openPeftFolder(from);
    // The middle layer gets rank 2: its factors are cut.
    const tensors = [...opened.file.tensors].map(([name, { shape }]) => {
      const data = readFloat32(opened.file, name);
      if (!name.includes('.layer.1.')) return { name, dtype: 'F32' as const, shape, data };
      const cut = name.includes('lora_A') ? [2, shape[1] as number] : [shape[0] as number, 2];
      return { name, dtype: 'F32' as const, shape: cut, data: data.slice(0, cut[0]! * cut[1]!) };
    });
    writeSafetensors(join(from, 'adapter_model.safetensors'), tensors);
    expect(refused(from)).toEqual(['peft-tensor-shape', 'peft-tensor-shape']);
    const path = join(from, 'adapter_config.json');
    const fields = JSON.parse(readFileSync(path, 'utf8')) as object;
    writeFileSync(path, JSON.stringify({ ...fields, rank_pattern: { 'layer.1.attention.self.query': 2 } }));
    const node = inside(imported(from).document, 'lora_attn_query');
    expect(node.recipe).toBe('lora');
    expect(node.params['rank']).toEqual({ all: 4, at: { '1': 2 } });
  });

  test('its base model is told, and its head gives the task', () => {
    const from = adapter('lora');
    expect(imported(from).config.baseModel).toBe('owner/name');
    expect(taskOfPeft(from)).toEqual(CLASSES);
  });
});

test('the name of a backbone is that of a hub or a package, never of a folder', () => {
  const home = join(folder, 'home');
  const entry = (id: string, source: ModelSource, hash: string): void => {
    const staged = join(folder, `staged-${hash}`);
    mkdirSync(staged, { recursive: true });
    const contentHash = hash.repeat(64);
    commitEntry(home, id.replaceAll('/', '--'), staged, {
      id,
      source,
      origin: 'x',
      revision: null,
      licence: null,
      contentHash,
    });
  };
  entry('owner/name', 'hub', 'a');
  entry('own', 'reference', 'b');
  expect(publicModelName('a'.repeat(64), { home })).toBe('owner/name');
  expect(publicModelName('b'.repeat(64), { home })).toBeUndefined();
  expect(publicModelName('c'.repeat(64), { home })).toBeUndefined();
});

describe('refusals', () => {
  test('a model with modules', () => {
    expect(refused(adapter('lora'), documentOn(backbone, CLASSES, 'ia3'))).toEqual(['peft-model-modules']);
  });

  test('a stack that was split', () => {
    const split = splitStack(
      documentOn(backbone, CLASSES),
      { graph: { level: 'model', model: MAIN, path: [] }, node: nodeId('layers') },
      1,
    );
    if (!split.ok) throw new Error(JSON.stringify(split.error));
    expect(refused(adapter('lora'), split.value)).toEqual(['peft-unfit']);
    expect(refused(adapter('lntuning'), split.value)).toEqual(['peft-unfit']);
    expect(refused(adapter('prefix', { size: 3, positions: 'shifted' }), split.value)).toEqual(['peft-unfit']);
  });

  test('another task, other outputs', () => {
    expect(refused(adapter('lora'), documentOn(backbone, { kind: 'tokens', outputs: 3 }))).toEqual(['peft-backbone']);
    expect(refused(adapter('lora'), documentOn(backbone, { kind: 'classification', outputs: 5 }))).toEqual([
      'peft-tensor-shape',
      'peft-tensor-shape',
    ]);
  });

  test('another backbone', () => {
    const wider = writeTinyBackbone(join(folder, 'wider'), { ...TINY, width: 24 });
    const deeper = writeTinyBackbone(join(folder, 'deeper'), { ...TINY, layers: 4 });
    const plain = (on: Backbone): Document => documentOn(on, CLASSES);
    expect(new Set(refused(adapter('lora'), plain(wider), wider))).toEqual(new Set(['peft-tensor-shape']));
    expect(refused(adapter('lora'), plain(deeper), deeper)).toEqual(['peft-tensor-missing']);
    expect(refused(adapter('prompt', { size: 3, pool: 'first' }), plain(deeper), deeper)).toEqual(['peft-backbone']);
    expect(refused(adapter('prefix', { size: 3, positions: 'shifted' }), plain(wider), wider)).toEqual([
      'peft-backbone',
    ]);
  });

  test('targets that the model does not have, or that have no such method', () => {
    expect(refused(adapter('lora', {}, { target_modules: ['q_proj'] }))).toEqual(['peft-targets']);
    expect(refused(adapter('lora', {}, { target_modules: ['word_embeddings'] }))).toEqual(['peft-modules']);
    expect(refused(adapter('lora', {}, { target_modules: ['LayerNorm'] }))).toEqual(['peft-modules']);
    expect(refused(adapter('lntuning', {}, { target_modules: ['query'] }))).toEqual(['peft-modules']);
  });

  test('a configuration that asks for more or fewer tensors than there are', () => {
    expect(refused(adapter('lora', {}, { target_modules: ['query', 'key', 'value'] }))).toEqual([
      'peft-tensor-missing',
    ]);
    expect(refused(adapter('lora', {}, { target_modules: ['query'] }))).toEqual(['peft-tensor-unexpected']);
    expect(refused(adapter('lora', {}, { use_dora: true }))).toEqual(['peft-tensor-missing']);
  });

  test('a folder without a head', () => {
    const from = adapter('lora');
    const opened = openPeftFolder(from);
    const names = [...opened.file.tensors.keys()].filter((n) => !n.includes('classifier'));
    const tensors = names.map((name) => ({
      name,
      dtype: 'F32' as const,
      shape: must(opened.file.tensors.get(name), name).shape,
      data: readFloat32(opened.file, name),
    }));
    writeSafetensors(join(from, 'adapter_model.safetensors'), tensors);
    expect(refusalsOf(() => taskOfPeft(from)).map((d) => d.code)).toEqual(['peft-head']);
    expect(refused(from)).toEqual(['peft-tensor-missing']);
  });

  test('a graph that does not fit writes nothing', () => {
    const document = documentOn(backbone, CLASSES, 'pfeiffer');
    const target = join(folder, 'unfit');
    const written = writePeftFolder(target, subjectOf(backbone, document), randomParameters(document));
    expect(written).toEqual({ ok: false, error: 'a bottleneck adapter has no PEFT file format' });
    expect(refusalsOf(() => openPeftFolder(target)).map((d) => d.code)).toEqual(['peft-no-config']);
  });
});
