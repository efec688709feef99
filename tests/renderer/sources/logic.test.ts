/** Recipes, source banks, for-each items and promoted ports: pure edits and the rows as they are shown. */
import { describe, expect, it } from 'vitest';
import { must } from '../../../engine/base/errors.ts';
import type { Document, WorkflowNode } from '../../../engine/protocol/document.ts';
import {
  inModel,
  inWorkflow,
  makeIndependent,
  nodeAt,
  type EditResult,
  type NodeAddress,
} from '../../../engine/protocol/edit.ts';
import { bankId, modelId, nodeId, portId, recipeId } from '../../../engine/protocol/ids.ts';
import { checkStructure } from '../../../engine/protocol/structure.ts';
import {
  addBank,
  addFileSource,
  addSource,
  bankUsers,
  freshSourceName,
  moveSource,
  muteSource,
  originsOf,
  removeBank,
  removeSource,
  renameSource,
  setSourceLayers,
  sourceRows,
} from '../../../renderer/sources/model/banks.ts';
import {
  addItem,
  columnsOf,
  duplicateItem,
  itemValue,
  moveItem,
  muteItem,
  otherColumns,
  removeItem,
  renameItem,
  setItemValue,
} from '../../../renderer/sources/model/forEach.ts';
import { promote, promotedOf, renamePromoted, unpromote } from '../../../renderer/sources/model/promote.ts';
import {
  deleteRecipes,
  duplicateRecipe,
  freeAllUsers,
  letterAt,
  makeRecipe,
  recipeRows,
  renameRecipe,
  unusedRecipes,
  useRecipe,
} from '../../../renderer/sources/model/recipes.ts';
import { catalog, documentOf, example } from '../catalog.ts';

const MAIN = modelId('main');
const BODY = inModel(MAIN, nodeId('layers'));
const QUERY = { graph: BODY, node: nodeId('lora_attn_query') };
const VALUE = { graph: BODY, node: nodeId('lora_attn_value') };
const LORA = recipeId('lora');
const value = (result: EditResult): Document => {
  if (!result.ok) throw new Error(result.error.map((d) => d.message).join(' '));
  return result.value;
};
const run = (document: Document, ...edits: readonly ((d: Document) => EditResult)[]): Document =>
  edits.reduce((d, edit) => value(edit(d)), document);

describe('recipes', () => {
  const users = (document: Document) => recipeRows(document).map((r) => `${r.letter} ${r.id} ${r.users.length}`);
  it('know their users', () => {
    expect(users(example())).toEqual(['A lora 2']);
    expect([0, 25, 26, 27, 52].map(letterAt)).toEqual(['A', 'Z', 'AA', 'AB', 'BA']);
  });
  it('are cut loose, duplicated, used again and deleted when unused', () => {
    const cut = run(example(), (d) => makeIndependent(d, QUERY));
    expect(users(cut)).toEqual(['A lora 1']);
    const two = run(cut, duplicateRecipe(LORA), useRecipe([QUERY], recipeId('lora_2')));
    expect(users(two)).toEqual(['A lora 1', 'B lora_2 1']);
    expect(nodeAt(two, QUERY)?.params).toEqual({});
    const free = run(two, freeAllUsers(LORA), freeAllUsers(recipeId('lora_2')));
    expect(unusedRecipes(free)).toEqual(['lora', 'lora_2']);
    expect(users(run(free, deleteRecipes(unusedRecipes(free))))).toEqual([]);
    expect(users(run(two, deleteRecipes([LORA])))).toEqual(['A lora 1', 'B lora_2 1']);
  });
  it('are made of a node for all of its type', () => {
    const free = run(example(), freeAllUsers(LORA), deleteRecipes([LORA]), makeRecipe([QUERY, VALUE]));
    expect(users(free)).toEqual(['A lora 2']);
    expect(free.recipes[LORA]?.params).toMatchObject({ rank: 8, alpha: 16 });
    expect(run(free, renameRecipe(LORA, ' Attention '))?.recipes[LORA]?.title).toBe('Attention');
  });
});

/** Two items that train adapters, and a bank of them. */
function twoSources(): Document {
  const base = example();
  const data = (file: string) => ({ data: { file, text: ['text'], label: ['label'] } });
  const text = JSON.stringify({
    ...base,
    models: { ...base.models, source: base.models[MAIN] },
    workflow: {
      ...base.workflow,
      nodes: {
        ...base.workflow.nodes,
        sources: {
          type: 'for-each',
          version: 1,
          items: [
            { name: 'mnli', set: data('mnli.csv') },
            { name: 'qqp', set: data('qqp.csv') },
          ],
          body: {
            nodes: {
              data: { type: 'data.table', version: 1, params: { task: 'classification' } },
              model: { type: 'model', version: 1, model: 'source' },
              train: { type: 'train', version: 1 },
            },
            edges: [
              { from: { node: 'data', port: 'data' }, to: { node: 'train', port: 'data' } },
              { from: { node: 'model', port: 'model' }, to: { node: 'train', port: 'model' } },
              { from: { node: 'train', port: 'adapter' }, to: { node: '$out', port: 'adapter' } },
            ],
          },
        },
      },
    },
  });
  return documentOf(text);
}
const BANK = bankId('sources');
const STEP: NodeAddress = { graph: inWorkflow(), node: nodeId('sources') };
const names = (document: Document): readonly string[] => (document.banks[BANK]?.sources ?? []).map((s) => s.name);

function banked(): Document {
  let document = run(twoSources(), addBank(BANK));
  for (const origin of originsOf(document).filter((o) => o.title.startsWith('sources')))
    document = run(document, addSource(BANK, { name: origin.name, artifact: origin.artifact }));
  return document;
}

describe('source banks', () => {
  it('take what steps and items train', () => {
    expect(originsOf(twoSources()).map((o) => o.title)).toEqual(['train', 'sources: mnli', 'sources: qqp']);
    const document = banked();
    expect(sourceRows(document, BANK, [], []).map((r) => `${r.source.name} ${r.from} ${r.kind}`)).toEqual([
      'mnli "sources", item mnli step',
      'qqp "sources", item qqp step',
    ]);
    expect(checkStructure(document)).toEqual([]);
  });
  it('take adapter files by a step of their own', () => {
    const document = run(banked(), addFileSource(BANK, 'old run.safetensors'));
    expect(names(document)).toEqual(['mnli', 'qqp', 'old_run']);
    expect(document.workflow.nodes[nodeId('adapter_old_run')]?.params).toEqual({ file: 'old run.safetensors' });
    expect(freshSourceName(document, BANK, '2nd.mnli.safetensors')).toBe('nd_mnli');
    expect(checkStructure(document)).toEqual([]);
  });
  it('are renamed, moved, muted, cut to layers and emptied', () => {
    const document = run(
      banked(),
      renameSource(BANK, 'mnli', 'nli'),
      moveSource(BANK, 'nli', 1),
      muteSource(BANK, 'qqp', true),
      setSourceLayers(BANK, 'nli', '0-3'),
    );
    expect(document.banks[BANK]?.sources).toMatchObject([
      { name: 'qqp', mute: true },
      { name: 'nli', layers: '0-3' },
    ]);
    expect(names(run(document, removeSource(BANK, 'qqp')))).toEqual(['nli']);
    expect(renameSource(BANK, 'nli', 'qqp')(document).ok).toBe(false);
    expect(setSourceLayers(BANK, 'nli', 'some')(document).ok).toBe(false);
  });
  it('stay while a node uses them', () => {
    const document = banked();
    expect(Object.keys(run(document, removeBank(BANK)).banks)).toEqual([]);
    const used = documentOf(
      JSON.stringify({
        ...document,
        models: { ...document.models, extra: { nodes: { b: { type: 'source.bank', version: 1, bank: 'sources' } } } },
      }),
    );
    expect(bankUsers(used, BANK).map((u) => u.node)).toEqual(['b']);
    expect(removeBank(BANK)(used).ok).toBe(false);
  });
  it('show the problems of a source in its row', () => {
    const finding = {
      code: 'c',
      severity: 'error' as const,
      message: 'm',
      fix: 'f',
      where: { node: 'bank sources', param: 'qqp' },
    };
    expect(sourceRows(banked(), BANK, [], [finding]).map((r) => r.problems.length)).toEqual([0, 1]);
  });
});

describe('items of a for-each step', () => {
  const step = (document: Document): WorkflowNode => nodeAt(document, STEP) as WorkflowNode;
  const items = (document: Document): readonly string[] => (step(document).items ?? []).map((i) => i.name);
  it('differ in columns', () => {
    expect(columnsOf(step(twoSources()), catalog.steps)).toEqual([
      { node: 'data', param: 'file' },
      { node: 'data', param: 'text' },
      { node: 'data', param: 'label' },
    ]);
    expect(otherColumns(step(twoSources()), catalog.steps).some((c) => c.node === 'train' && c.param === 'lr')).toBe(
      true,
    );
  });
  it('are added, duplicated, moved, muted, renamed with their sources, and removed', () => {
    const document = run(
      banked(),
      duplicateItem(STEP, 'qqp'),
      addItem(STEP),
      moveItem(STEP, 'qqp', -1),
      muteItem(STEP, 'mnli', true),
      renameItem(STEP, 'mnli', 'nli'),
    );
    expect(items(document)).toEqual(['qqp', 'nli', 'qqp_2', 'item_4']);
    expect(document.banks[BANK]?.sources[0]?.artifact).toMatchObject({ item: 'nli' });
    expect(items(run(document, removeItem(STEP, 'item_4')))).toHaveLength(3);
    expect(renameItem(STEP, 'nli', 'qqp')(document).ok).toBe(false);
  });
  it('set parameters of the body, or take those of the body', () => {
    const column = { node: nodeId('train'), param: 'lr' };
    const document = run(twoSources(), setItemValue(STEP, 'qqp', column, 0.01));
    const item = must((step(document).items ?? [])[1], 'an item');
    expect(itemValue(step(document), item, column)).toEqual({ value: 0.01, own: true });
    const back = run(document, setItemValue(STEP, 'qqp', column, undefined));
    expect(back.workflow).toEqual(twoSources().workflow);
  });
});

describe('promoted ports', () => {
  it('come and go, each under a name of its own', () => {
    const port = portId('x');
    const document = run(
      example(),
      promote(BODY, nodeId('query'), port, 'tensor'),
      promote(BODY, nodeId('query'), port, 'tensor'),
    );
    expect(promotedOf(document, BODY).map((p) => p.name)).toEqual(['query_x']);
    const renamed = run(document, renamePromoted(BODY, portId('query_x'), 'states'));
    expect(promotedOf(renamed, BODY).map((p) => p.name)).toEqual(['states']);
    expect(renamePromoted(BODY, portId('states'), 'not a name')(renamed).ok).toBe(false);
    expect(run(renamed, unpromote(BODY, portId('states'))).models).toEqual(example().models);
  });
});
