/** The logic behind the inspector: what is selected, fields and their holders, edits, figures and gradients of a node. */
import { describe, expect, it } from 'vitest';
import { must } from '../../../engine/base/errors.ts';
import type { CheckView, ModelFigures } from '../../../engine/protocol/api/check.ts';
import type { Document, Node } from '../../../engine/protocol/document.ts';
import { inModel, nodeAt, splitStack, type EditResult, type ModelNodeAddress } from '../../../engine/protocol/edit.ts';
import { modelId, nodeId, type NodeId } from '../../../engine/protocol/ids.ts';
import { NOTHING_SELECTED, type Place, type Selection } from '../../../renderer/state/place.ts';
import {
  inTurn,
  layersOfNode,
  mutedLayers,
  parameterSets,
  resetLayers,
  setLayers,
  setTitle,
  setValue,
  shareAmong,
  toggleLayer,
  toggleMute,
  type DefaultOf,
} from '../../../renderer/inspector/model/edits.ts';
import { commonFields, fieldsOf } from '../../../renderer/inspector/model/fields.ts';
import {
  belongs,
  figuresOfNode,
  groupParameters,
  inputShapes,
  parametersOf,
  problemsOf,
  tableText,
} from '../../../renderer/inspector/model/figures.ts';
import { gradientPath, layerWords } from '../../../renderer/inspector/model/gradient.ts';
import { groupsOf, matches, paramTitle } from '../../../renderer/inspector/model/groups.ts';
import { probePoint } from '../../../renderer/inspector/model/probe.ts';
import { neighbours, setPorts } from '../../../renderer/inspector/model/stackEdits.ts';
import { edgeId, formalName, parseGraphAddress, subjectOf } from '../../../renderer/inspector/model/subject.ts';
import { hasSlider, rangeWords, readText } from '../../../renderer/inspector/model/values.ts';
import { moveWire } from '../../../renderer/inspector/model/wires.ts';
import { catalog, example } from '../catalog.ts';

const MAIN = modelId('main');
const BODY = inModel(MAIN, nodeId('layers'));
const SIX = { first: 0, repeat: 6 };
const at = (id: string): ModelNodeAddress => ({ graph: BODY, node: nodeId(id) });
const LORA = at('lora_attn_query');
const infosOf = (type: string) =>
  must(
    catalog.nodes.find((n) => n.type === type),
    type,
  ).params;
const defaults: DefaultOf = (type, param) => infosOf(type)[param]?.default;
const value = (result: EditResult): Document => {
  if (!result.ok) throw new Error(result.error.map((d) => d.message).join(' '));
  return result.value;
};
const node = (document: Document, where = LORA): Node => must(nodeAt(document, where), 'a node');
const field = (document: Document, name: string, layer: 'all' | number = 'all') =>
  must(
    fieldsOf(document, node(document), infosOf('peft.lora'), SIX, layer).find((f) => f.name === name),
    name,
  );

/** Figures as a check of the example gives them, in short. */
const figures: ModelFigures = {
  model: 'main',
  nodes: [
    { node: 'embeddings_drop', copies: 1, output: 'f32[B,T,384]', frozen: 0, trainable: 0 },
    {
      node: 'layers/*/query',
      copies: 6,
      output: 'f32[B,T,384]',
      frozen: 887_040,
      trainable: 0,
      flops: 7,
      keptBytes: 9,
    },
    { node: 'layers/*/query/lora_attn_query', copies: 6, output: 'f32[B,T,384]', frozen: 0, trainable: 36_864 },
  ],
  trainable: [
    ...[0, 1, 2, 3, 4, 5].flatMap((l) =>
      ['query', 'value'].map((w) => ({
        name: `layers/${l}/${w}/lora_attn_${w}/A`,
        shape: '[8,384]',
        count: 3072,
        decay: true,
      })),
    ),
    { name: 'head/out.weight', shape: '[4,384]', count: 1536, decay: true },
  ],
  totals: { parameters: 1, backbone: 1, trainable: 1, head: 1, weightBytes: 1, trainingBytes: 1 },
};
/** The same with LoRA on the query of layer 3 alone. */
const onlyThree: ModelFigures = {
  ...figures,
  trainable: figures.trainable.filter((r) => r.name.startsWith('layers/3/query')),
};

describe('what is inspected', () => {
  const place: Place = { level: 'model', model: MAIN, view: 'graph', layer: 'all' };
  const subject = (selection: Partial<Selection>) => subjectOf(example(), place, { ...NOTHING_SELECTED, ...selection });
  it('follows the selection', () => {
    expect(subject({})).toEqual({ kind: 'model', model: MAIN });
    expect(subject({ graph: 'main:layers', nodes: [nodeId('query')] })).toMatchObject({
      kind: 'node',
      range: { repeat: 6 },
    });
    expect(subject({ graph: 'main:', nodes: [nodeId('layers')] }).kind).toBe('stack');
    expect(subject({ graph: 'main:layers', nodes: [nodeId('query'), nodeId('key')] }).kind).toBe('many');
    expect(subject({ graph: 'workflow:', nodes: [nodeId('train')] }).kind).toBe('step');
    expect(subject({ graph: 'main:layers', edges: ['query.y->attention.query'] }).kind).toBe('wire');
    expect(subject({ graph: 'main:layers', nodes: [nodeId('gone')] }).kind).toBe('model');
    expect(subjectOf(example(), { ...place, level: 'workflow' }, NOTHING_SELECTED).kind).toBe('workflow');
  });
  it('reads addresses and nothing else', () => {
    expect(parseGraphAddress('main:a/b')).toEqual({ level: 'model', model: 'main', path: ['a', 'b'] });
    expect(parseGraphAddress('workflow:')).toEqual({ level: 'workflow', path: [] });
    for (const text of ['main', 'main:a//b', 'main:__proto__', '']) expect(parseGraphAddress(text)).toBeUndefined();
  });
  it('names layers as the checkpoint does', () => {
    expect(formalName(node(example(), at('query')))).toBe('attention.self.query');
    expect(formalName(node(example(), at('attention')))).toBe('attn');
  });
});

describe('fields', () => {
  it('say who holds a value', () => {
    expect([field(example(), 'rank').holder, field(example(), 'rank').value]).toEqual(['recipe', 8]);
  });
  it('show overrides of a layer, and "mixed" where layers differ', () => {
    const edited = value(setValue(LORA, 'rank', 16, 4, defaults)(example()));
    expect(field(edited, 'rank', 4)).toMatchObject({ value: 16, here: true });
    expect(field(edited, 'rank', 0)).toMatchObject({ value: 8, here: false });
    expect(field(edited, 'rank')).toMatchObject({ value: 8, mixed: true, overrides: [{ layers: '4', value: 16 }] });
    const back = value(resetLayers(LORA, 'rank', '4')(edited));
    expect(field(back, 'rank')).toMatchObject({ value: 8, mixed: false, overrides: [] });
  });
  it('set everywhere take overrides away', () => {
    const edited = value(setValue(LORA, 'rank', 16, 4, defaults)(example()));
    expect(field(value(setValue(LORA, 'rank', 4, 'all', defaults)(edited)), 'rank')).toMatchObject({
      value: 4,
      mixed: false,
    });
  });
  it('of several nodes are those that all have', () => {
    const document = value(setValue(at('attn_drop'), 'p', 0.2, 'all', defaults)(example()));
    const nodes = ['attn_drop', 'ffn_drop'].map((id) => ({
      node: node(document, at(id)),
      infos: infosOf('layer.dropout'),
      range: SIX,
    }));
    expect(commonFields(document, nodes, 'all')).toMatchObject([{ name: 'p', mixed: true }]);
    const odd = { node: node(document, at('query')), infos: infosOf('layer.linear'), range: SIX };
    expect(commonFields(document, [...nodes, odd], 'all')).toEqual([]);
  });
  it('refuse what does not fit, in words', () => {
    const { rank, dropout, init } = infosOf('peft.lora');
    const words = (info: typeof rank, text: string): unknown => {
      const read = readText(must(info, 'a parameter'), text);
      return read.ok ? read.value : read.error;
    };
    expect(words(rank, '12')).toBe(12);
    expect(words(rank, '0')).toBe('Give a whole number, 1 to 4096.');
    expect(words(rank, '2.5')).toBe('Give a whole number.');
    expect(words(dropout, '0,1')).toBe(0.1);
    expect(words(dropout, 'x')).toBe('Give a number.');
    expect(words(init, 'zeros')).toBe('Choose one of kaiming, gaussian.');
    expect([rangeWords(must(rank, 'rank')), hasSlider(must(dropout, 'p')), hasSlider(must(rank, 'rank'))]).toEqual([
      '1 to 4096',
      true,
      false,
    ]);
  });
  it('of a training step lie in groups, none lost', () => {
    const names = Object.keys(
      must(
        catalog.steps.find((s) => s.type === 'train'),
        'train',
      ).params,
    );
    const groups = groupsOf('train', names);
    expect(groups.map((g) => g.title)).toEqual(['Basic', 'Schedule', 'Batches', 'Evaluation', 'Reproducibility']);
    expect(groups.flatMap((g) => g.names).sort()).toEqual([...names].sort());
    expect([paramTitle('lr'), paramTitle('weightDecay')]).toEqual(['Learning rate', 'Weight decay']);
    expect(matches('learning', 'lr', 'help')).toBe(true);
  });
});

describe('edits', () => {
  it('put nodes into layers and out of them', () => {
    const out = value(toggleLayer(LORA, 3)(example()));
    expect(node(out).layers).toBe('0-2,4-5');
    expect(node(value(toggleLayer(LORA, 3)(out))).layers).toBeUndefined();
    expect([...layersOfNode(node(value(setLayers(LORA, '-2..')(example()))), SIX)]).toEqual([4, 5]);
  });
  it('mute everywhere or in the layer that is shown', () => {
    expect(node(value(toggleMute(LORA, 'all')(example()))).mute).toBe(true);
    const one = value(toggleMute(LORA, 2)(example()));
    expect([node(one).mute, [...mutedLayers(node(one), SIX)]]).toEqual(['2', [2]]);
    expect(node(value(toggleMute(LORA, 2)(one))).mute).toBeUndefined();
  });
  it('take titles away when they are empty', () => {
    const named = value(setTitle(LORA, ' Mine ')(example()));
    expect(node(named).title).toBe('Mine');
    expect('title' in node(value(setTitle(LORA, '')(named)))).toBe(false);
  });
  it('share parameters explicitly and count the sets', () => {
    expect(parameterSets(example(), LORA)).toEqual({ sets: 6, sharedBy: 1, why: 'one per layer' });
    const shared = value(shareAmong([LORA, at('lora_attn_value')], '')(example()));
    expect(parameterSets(shared, LORA)).toEqual({ sets: 1, sharedBy: 2, why: 'shared set' });
  });
  it('end at the first that is refused', () => {
    expect(inTurn([setTitle(LORA, 'a'), setTitle(at('gone'), 'b')])(example()).ok).toBe(false);
  });
  it('order the wires of a port', () => {
    const edge = must(
      Object.values(example().models[MAIN]?.nodes[nodeId('layers')]?.body?.edges ?? []).find(
        (e) => edgeId(e) === '$in.hidden->attn_add.x',
      ),
      'a wire',
    );
    const moved = value(moveWire(BODY, edge, -1)(example()));
    const orders = moved.models[MAIN]?.nodes[nodeId('layers')]?.body?.edges.filter((e) => e.to.node === 'attn_add');
    expect(orders?.map((e) => [e.from.node, e.order])).toEqual([
      ['attn_drop', 1],
      ['$in', 0],
    ]);
  });
  it('know the neighbours of a part of a stack, and refuse ports twice', () => {
    const where = { graph: inModel(MAIN), node: nodeId('layers') };
    const split = value(splitStack(example(), where, 2));
    expect(neighbours(split, where).map((p) => p.stack.first)).toEqual([2]);
    expect(setPorts(where, 'collect', ['hidden'])(example()).ok).toBe(false);
    expect(setPorts(where, 'carry', [])(example()).ok).toBe(false);
  });
});

describe('figures of a node', () => {
  it('are found by its place, docked modules apart', () => {
    const document = example();
    expect(figuresOfNode(document, figures, at('query'))?.frozen).toBe(887_040);
    expect(figuresOfNode(document, figures, LORA)?.trainable).toBe(36_864);
    expect(parametersOf(document, figures, LORA).own).toHaveLength(6);
    const query = parametersOf(document, figures, at('query'));
    expect([query.own.length, query.docked.length]).toEqual([0, 6]);
    expect(belongs(document, at('value'), 'layers/3/query/lora_attn_query/A')).toBeUndefined();
  });
  it('give the shapes of inputs through the wall of a stack, and none for docked modules', () => {
    expect(inputShapes(example(), figures, at('query'))).toEqual([{ port: 'x', from: '$in', shape: '[B, T, 384]' }]);
  });
  it('make one row of all layers, or a table for a spreadsheet', () => {
    expect(groupParameters(figures.trainable).map((g) => [g.name, g.layers.length, g.count])).toEqual([
      ['layers/query/lora_attn_query/A', 6, 18_432],
      ['layers/value/lora_attn_value/A', 6, 18_432],
      ['head/out.weight', 0, 1536],
    ]);
    expect(tableText(figures.trainable).split('\n')).toHaveLength(14);
  });
  it('come with the problems of the node, also where the path names a layer', () => {
    const where = (path: string, param?: string) => ({
      model: 'main',
      node: path,
      ...(param === undefined ? {} : { param }),
    });
    const finding = (path: string, param?: string) => ({
      code: 'c',
      severity: 'error' as const,
      message: 'm',
      fix: 'f',
      where: where(path, param),
    });
    const check: CheckView = {
      revision: 1,
      phase: 'findings',
      milliseconds: 1,
      models: [],
      diagnostics: [finding('layers/query', 'weight'), finding('layers/3/query'), finding('layers/key')],
    };
    const found = problemsOf(check, { model: MAIN, path: [nodeId('layers')], node: nodeId('query') });
    expect([found.all.length, found.byParam.get('weight')?.length]).toEqual([2, 1]);
  });
});

describe('the way of gradients', () => {
  const path = (id: string, of: ModelFigures = figures, graph = BODY) =>
    gradientPath(example(), of, { graph, node: nodeId(id) });
  it('reaches what comes after something that trains', () => {
    expect(path('key', onlyThree)).toMatchObject({ trains: false, reached: true, layers: [4, 5] });
    expect(path('attention', onlyThree).layers).toEqual([3, 4, 5]);
    expect(path('query', onlyThree)).toMatchObject({ trains: true, layers: [3, 4, 5] });
  });
  it('reaches nothing before it', () => {
    expect(path('embeddings', figures, inModel(MAIN))).toMatchObject({ trains: false, reached: false });
    expect(path('pooler', figures, inModel(MAIN))).toMatchObject({ trains: false, reached: true });
    expect(path('head', figures, inModel(MAIN)).trains).toBe(true);
  });
  it('says layers in words', () => {
    expect(['0,1,2,3,4,5', '3', '1,2'].map((t) => layerWords(t.split(',').map(Number), SIX))).toEqual([
      'every layer',
      'layer 3',
      'layers 1-2',
    ]);
  });
});

describe('a probe', () => {
  const edge = (text: string) => {
    const [, from, out, to, into] = /^(\S+)\.(\w+)->(\S+)\.(\w+)$/.exec(text) ?? [];
    return {
      from: { node: from as NodeId, port: out as never },
      to: { node: to as NodeId, port: into as never },
    };
  };
  const point = (text: string, layer?: number, kind = 'tensor') => {
    const found = probePoint(example(), BODY, edge(text), kind, layer);
    return found.ok ? `${found.value.node}.${found.value.port}` : found.error;
  };
  it('measures where the value is made', () => {
    expect(point('query.y->attention.query', 3)).toBe('layers/3/query.y');
    expect(point('$in.hidden->query.x', 3)).toBe('layers/2/ffn_norm.y');
    expect(point('$in.hidden->query.x', 0)).toBe('embeddings_drop.y');
  });
  it('does not measure what carries no values', () => {
    expect(point('lora_attn_query.transform->query.transforms', 0, 'transform')).toContain('no values');
  });
});
