/** Painting and erasing modules: what the document says afterwards, and that it stays small and sound. */
import { describe, expect, it } from 'vitest';
import { must } from '../../../engine/base/errors.ts';
import type { Document, Node } from '../../../engine/protocol/document.ts';
import { inModel, splitStack, type EditResult } from '../../../engine/protocol/edit.ts';
import { modelId, nodeId, type NodeId } from '../../../engine/protocol/ids.ts';
import { checkStructure } from '../../../engine/protocol/structure.ts';
import { cellsOfRow, cellText, OUTSIDE } from '../../../renderer/matrix/model/cells.ts';
import { copyLayer } from '../../../renderer/matrix/model/copy.ts';
import { erase } from '../../../renderer/matrix/model/erase.ts';
import { brushDefaults } from '../../../renderer/matrix/model/fit.ts';
import { gridOf, typesOf, type Grid } from '../../../renderer/matrix/model/grid.ts';
import { lettersOf } from '../../../renderer/matrix/model/letters.ts';
import { paint, type Brush, type Target } from '../../../renderer/matrix/model/paint.ts';
import { catalog, example } from '../catalog.ts';

const MAIN = modelId('main');
const typeOf = typesOf(catalog);
const letters = lettersOf(catalog);

const brush = (type: string, params: Brush['params'] = {}): Brush => ({
  type,
  params: { ...brushDefaults(must(typeOf(type), type)), ...params },
});
const lora8 = brush('peft.lora', { rank: 8, alpha: 16 });
const lora16 = brush('peft.lora', { rank: 16, alpha: 16 });

const gridIn = (document: Document): Grid => gridOf(document, MAIN, typeOf);
const target = (document: Document, row: string, ...layers: number[]): Target => ({
  row: must(
    gridIn(document).rows.find((r) => r.id === row),
    row,
  ),
  layers,
});
const context = (document: Document) => ({ grid: gridIn(document), typeOf });
const value = (result: EditResult): Document => {
  if (!result.ok) throw new Error(result.error.map((d) => d.message).join(' '));
  return result.value;
};
/** A row as a line of text, a dot for an empty cell. */
function line(document: Document, row: string): string {
  const grid = gridIn(document);
  const found = must(
    grid.rows.find((r) => r.id === row),
    row,
  );
  const cells = cellsOfRow({ document, grid, typeOf, letters, problems: [] }, found);
  if (!found.inStack) return cellText(cells.get(OUTSIDE) ?? []) || '.';
  return grid.columns.map((c) => cellText(cells.get(c.layer) ?? []) || '.').join(' ');
}
const nodesOfType = (document: Document, type: string): readonly Node[] =>
  Object.values(document.models[MAIN]?.nodes[nodeId('layers')]?.body?.nodes ?? {}).filter((n) => n.type === type);
const sound = (document: Document): void => expect(checkStructure(document)).toEqual([]);
const paintOn = (document: Document, b: Brush, row: string, ...layers: number[]): Document =>
  value(paint(document, context(document), [target(document, row, ...layers)], b));
const eraseOn = (document: Document, row: string, ...layers: number[]): Document =>
  value(erase(document, context(document), [target(document, row, ...layers)]));

describe('the grid', () => {
  it('finds every place that takes modules, grouped', () => {
    const { rows, columns } = gridIn(example());
    expect(columns.map((c) => c.layer)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(rows.map((r) => `${r.group}: ${r.id} (${r.kind})`)).toEqual([
      'Embeddings: norm.embeddings (affine)',
      'Embeddings: embeddings.prompt (prompt)',
      'Attention: attn.query (transform)',
      'Attention: attn.key (transform)',
      'Attention: attn.value (transform)',
      'Attention: attn.out (transform)',
      'Attention: attn.kv (kv)',
      'Attention: attn.series (series)',
      'Attention: attn.parallel (parallel)',
      'Feed-forward: ffn.up (transform)',
      'Feed-forward: ffn.down (transform)',
      'Feed-forward: ffn.series (series)',
      'Feed-forward: ffn.parallel (parallel)',
      'Norms: norm.attn (affine)',
      'Norms: norm.ffn (affine)',
      'After the layers: pooler (transform)',
      'Head: head (head)',
    ]);
  });
  it('shows the modules of a row, and keeps layer numbers when the stack is split', () => {
    const document = example();
    expect(line(document, 'attn.query')).toBe('L8 L8 L8 L8 L8 L8');
    expect(line(document, 'attn.key')).toBe('. . . . . .');
    const split = value(splitStack(document, { graph: inModel(MAIN), node: nodeId('layers') }, 4));
    expect(line(split, 'attn.query')).toBe('L8 L8 L8 L8 L8 L8');
    expect(gridIn(split).parts.length).toBe(2);
  });
});

describe('painting', () => {
  it('uses the recipe with the same values, and one node for all layers', () => {
    const painted = paintOn(example(), lora8, 'attn.key', 0, 1, 2);
    expect(line(painted, 'attn.key')).toBe('L8 L8 L8 . . .');
    expect(Object.keys(painted.recipes)).toEqual(['lora']);
    expect(nodesOfType(painted, 'peft.lora').map((n) => n.layers ?? 'all')).toEqual(['all', 'all', '0-2']);
    const more = paintOn(painted, lora8, 'attn.key', 4);
    expect(line(more, 'attn.key')).toBe('L8 L8 L8 . L8 .');
    expect(nodesOfType(more, 'peft.lora')).toHaveLength(3);
    sound(more);
  });
  it('makes a recipe for values that no recipe has', () => {
    const painted = paintOn(example(), lora16, 'attn.key', 0);
    expect(Object.keys(painted.recipes)).toEqual(['lora', 'lora_2']);
  });
  it('writes other values of some layers as overrides, and takes them back', () => {
    const painted = paintOn(example(), lora16, 'attn.query', 4, 5);
    expect(line(painted, 'attn.query')).toBe('L8 L8 L8 L8 L16* L16*');
    expect(line(painted, 'attn.value')).toBe('L8 L8 L8 L8 L8 L8');
    expect(nodesOfType(painted, 'peft.lora')[0]?.params).toEqual({ rank: { all: 8, at: { '4-5': 16 } } });
    sound(painted);
    const back = paintOn(painted, lora8, 'attn.query', 4, 5);
    expect(back.models).toEqual(example().models);
  });
  it('gives the whole node the values when all its layers are painted', () => {
    const painted = paintOn(example(), lora16, 'attn.query', 0, 1, 2, 3, 4, 5);
    expect(line(painted, 'attn.query')).toBe('L16 L16 L16 L16 L16 L16');
    expect(nodesOfType(painted, 'peft.lora').map((n) => n.recipe)).toEqual(['lora_2', 'lora']);
  });
  it('crosses the parts of a split stack', () => {
    const split = value(splitStack(example(), { graph: inModel(MAIN), node: nodeId('layers') }, 3));
    const painted = paintOn(split, lora8, 'ffn.up', 2, 3, 4);
    expect(line(painted, 'ffn.up')).toBe('. . L8 L8 L8 .');
    sound(painted);
  });
  it('puts adapters in series and in parallel, prefixes, norms and soft prompts', () => {
    let document = example();
    for (const [type, row] of [
      ['peft.bottleneck', 'ffn.series'],
      ['peft.bottleneck', 'attn.parallel'],
      ['peft.prefix', 'attn.kv'],
      ['peft.lnTuning', 'norm.ffn'],
      ['peft.ia3', 'ffn.down'],
      ['peft.bitfit', 'attn.out'],
    ] as const)
      document = paintOn(document, brush(type), row, 4, 5);
    document = paintOn(document, brush('peft.prompt'), 'embeddings.prompt');
    document = paintOn(document, lora8, 'pooler');
    const rows = [
      'ffn.series',
      'ffn.parallel',
      'attn.series',
      'attn.parallel',
      'attn.kv',
      'norm.ffn',
      'ffn.down',
      'attn.out',
    ];
    expect(rows.map((row) => line(document, row))).toEqual([
      '. . . . A48 A48',
      '. . . . . .',
      '. . . . . .',
      '. . . . A48 A48',
      '. . . . P20 P20',
      '. . . . N N',
      '. . . . I I',
      '. . . . B B',
    ]);
    expect([line(document, 'embeddings.prompt'), line(document, 'pooler')]).toEqual(['V10', 'L8']);
    expect(nodesOfType(document, 'peft.prefix')[0]?.params).toEqual({ width: 384 });
    expect(nodesOfType(document, 'peft.lnTuning')[0]?.params['weight']).toContain('LayerNorm.weight');
    expect(nodesOfType(document, 'peft.ia3')[0]?.params).toEqual({ on: 'input' });
    sound(document);
  });
  it('refuses a module where it does not fit, with the reason', () => {
    const document = example();
    const reason = (type: string, row: string): string => {
      const result = paint(document, context(document), [target(document, row, 0)], brush(type));
      return result.ok ? 'painted' : (result.error[0]?.message ?? '');
    };
    expect(reason('peft.lora', 'norm.ffn')).toBe(
      'LoRA cannot go to "FFN norm", which is a norm; it takes scale and shift, such as LayerNorm tuning.',
    );
    expect(reason('peft.prefix', 'attn.query')).toContain('cannot go to "Query projection"');
    expect(reason('peft.lora', 'head')).toContain('the head');
    expect(reason('peft.scalearn', 'ffn.series')).toContain('sources of a bank');
  });
  it('paints the rows of a stroke that take the module', () => {
    const document = example();
    const targets = ['attn.key', 'attn.kv', 'attn.out'].map((row) => target(document, row, 1));
    const painted = value(paint(document, context(document), targets, lora8));
    expect(['attn.key', 'attn.kv', 'attn.out'].map((row) => line(painted, row))).toEqual([
      '. L8 . . . .',
      '. . . . . .',
      '. L8 . . . .',
    ]);
  });
  it('stands beside other modules, or replaces them', () => {
    const beside = paintOn(example(), brush('peft.bitfit'), 'attn.query', 2);
    expect(line(beside, 'attn.query')).toBe('L8 L8 L8 B L8 L8 L8');
    const instead = value(
      paint(example(), context(example()), [target(example(), 'attn.query', 2)], brush('peft.bitfit'), true),
    );
    expect(line(instead, 'attn.query')).toBe('L8 L8 B L8 L8 L8');
  });
  it('refuses a second kind of module where the port takes one', () => {
    const first = paintOn(example(), brush('peft.prefix'), 'attn.kv', 0);
    const second = paint(first, context(first), [target(first, 'attn.kv', 1)], brush('peft.prefixMlp'));
    expect(second.ok ? '' : second.error[0]?.message).toContain('takes one module and has Prefix; erase it first');
  });
});

describe('erasing', () => {
  it('takes layers out of the selection, then the node', () => {
    const some = eraseOn(example(), 'attn.query', 0, 1);
    expect(line(some, 'attn.query')).toBe('. . L8 L8 L8 L8');
    expect(nodesOfType(some, 'peft.lora')[0]?.layers).toBe('2-5');
    const none = eraseOn(some, 'attn.query', 2, 3, 4, 5);
    expect(nodesOfType(none, 'peft.lora')).toHaveLength(1);
    sound(none);
  });
  it('drops overrides of the layers that are gone', () => {
    const painted = paintOn(example(), lora16, 'attn.query', 4, 5);
    const erased = eraseOn(painted, 'attn.query', 5);
    expect(nodesOfType(erased, 'peft.lora')[0]?.params).toEqual({ rank: { all: 8, at: { '4': 16 } } });
  });
  it('leaves the head alone', () => {
    const document = example();
    expect(eraseOn(document, 'head')).toBe(document);
  });
});

describe('copying a layer', () => {
  it('gives other layers the same modules with the same values', () => {
    let document = paintOn(example(), lora16, 'attn.query', 0);
    document = paintOn(document, brush('peft.bottleneck'), 'ffn.series', 0);
    document = eraseOn(document, 'attn.value', 0);
    const copied = value(copyLayer(document, context(document), 0, [2, 3]));
    expect(line(copied, 'attn.query')).toBe('L16* L8 L16* L16* L8 L8');
    expect(line(copied, 'ffn.series')).toBe('A48 . A48 A48 . .');
    expect(line(copied, 'attn.value')).toBe('. L8 . . L8 L8');
    sound(copied);
  });
  it('reaches into the other part of a split stack', () => {
    const painted = paintOn(example(), brush('peft.bottleneck'), 'ffn.series', 0);
    const split = value(splitStack(painted, { graph: inModel(MAIN), node: nodeId('layers') }, 3));
    const copied = value(copyLayer(split, context(split), 0, [4]));
    expect(line(copied, 'ffn.series')).toBe('A48 . . . A48 .');
    sound(copied);
  });
});

describe('a large model', () => {
  it('of 80 layers is painted and read', () => {
    const base = example();
    const stackId = 'layers' as NodeId;
    const model = must(base.models[MAIN], 'main');
    const stack = must(model.nodes[stackId], 'layers');
    const document: Document = {
      ...base,
      models: {
        ...base.models,
        [MAIN]: {
          ...model,
          nodes: { ...model.nodes, [stackId]: { ...stack, stack: { ...must(stack.stack, 's'), repeat: 80 } } },
        },
      },
    };
    const all = Array.from({ length: 80 }, (_, i) => i);
    const painted = paintOn(document, lora16, 'attn.key', ...all.filter((l) => l % 2 === 0));
    const grid = gridIn(painted);
    for (const row of grid.rows) cellsOfRow({ document: painted, grid, typeOf, letters, problems: [] }, row);
    expect(
      line(painted, 'attn.key')
        .split(' ')
        .filter((c) => c === 'L16'),
    ).toHaveLength(40);
  });
});
