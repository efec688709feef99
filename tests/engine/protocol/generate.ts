/**
 * A seeded generator of documents whose structure is sound: models with stacks inside stacks, attachments with recipes,
 * shared sets, banks, overrides, a workflow with for-each steps, a view, and nodes of unknown types with odd white space.
 * The same seed gives the same document on every machine.
 */
import type {
  ArtifactRef,
  Document,
  Edge,
  Graph,
  Node,
  ParamValue,
  Params,
  Scalar,
  StackSettings,
  Workflow,
  WorkflowNode,
} from '../../../engine/protocol/document.ts';
import {
  bankId,
  modelId,
  nodeId,
  portId,
  recipeId,
  recordOf,
  sharedSetId,
  WALL_IN,
  WALL_OUT,
  type NodeId,
  type RawText,
} from '../../../engine/protocol/ids.ts';
import { formatLayers, formatNumbers, layersOf } from '../../../engine/protocol/selection.ts';

export interface Random {
  /** An integer from 0 to `n - 1`. */
  readonly int: (n: number) => number;
  readonly chance: (p: number) => boolean;
  readonly pick: <T>(items: readonly T[]) => T;
}

/** mulberry32: 32 bits of state, good enough for test data. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (n: number): number => Math.floor(next() * n);
  return {
    int,
    chance: (p) => next() < p,
    pick: (items) => {
      const item = items[int(items.length)];
      if (item === undefined) throw new Error('nothing to pick from');
      return item;
    },
  };
}

const KNOWN_TYPES = ['linear', 'norm', 'peft.lora', 'peft.adapter', 'stack', 'fusion'];
const UNKNOWN_TYPE = 'alien.node';

export const knows = (type: string): boolean => type !== UNKNOWN_TYPE;

const STRINGS = [
  '',
  'a',
  'größe',
  'line\nbreak',
  '"quoted" \\ back',
  '日本',
  '\u0000\u001f',
  '😀',
  '\ud800',
  '</script>',
  'toString',
];

const scalar = (r: Random): Scalar =>
  r.pick<() => Scalar>([
    () => r.int(2000) - 1000,
    () => r.int(1_000_000) / 997,
    () => r.pick([1e-300, 5e-324, 1.7e308, -0.1, 0, 2 ** 53 - 1]),
    () => r.chance(0.5),
    () => r.pick(STRINGS),
  ])();

function paramValue(r: Random, stack: StackSettings | undefined): ParamValue {
  if (stack !== undefined && r.chance(0.3)) {
    const layers = layersOf(stack).filter(() => r.chance(0.5));
    const cut = r.int(layers.length + 1);
    const groups = [layers.slice(0, cut), layers.slice(cut)].filter((g) => g.length > 0);
    return { all: scalar(r), at: recordOf(groups.map((g) => [formatNumbers(g), scalar(r)])) };
  }
  if (r.chance(0.2)) return Array.from({ length: r.int(4) }, () => scalar(r));
  return scalar(r);
}

const params = (r: Random, stack?: StackSettings): Params =>
  recordOf(
    ['r', 'alpha', 'zeta', 'dropout', 'targets', 'valueOf', 'a-b']
      .filter(() => r.chance(0.35))
      .map((name) => [name, paramValue(r, stack)] as const),
  );

const JSON_SPACE = ['', ' ', '\n', '  \n\t', ' '];

/** Random JSON text with random white space, as some other program might have written it. */
function strangeJson(r: Random, depth: number): string {
  const space = (): string => r.pick(JSON_SPACE);
  if (depth === 0 || r.chance(0.5)) {
    return r.pick(['1.0', '1e2', '-0', '"\\u0041"', 'null', 'true', '9007199254740993', '1e999', '"x"', '{ }', '[\n]']);
  }
  const items = Array.from({ length: r.int(3) + 1 }, (_, i) => {
    const value = strangeJson(r, depth - 1);
    return { key: `"k${i}"`, value };
  });
  return r.chance(0.5)
    ? `[${items.map((m) => space() + m.value + space()).join(',')}]`
    : `{${items.map((m) => `${space()}${m.key}${space()}:${space()}${m.value}${space()}`).join(',')}}`;
}

function unknownNode(r: Random): Node {
  const version = r.int(3) + 1;
  const before = r.chance(0.5) ? '' : `"extra" :${strangeJson(r, 3)},\n`;
  const raw = `{${before}"type":  "${UNKNOWN_TYPE}","version":${version} ,"params":${strangeJson(r, 4)}}`;
  return { type: UNKNOWN_TYPE, version, params: recordOf([]), raw: raw as RawText };
}

function selectionIn(r: Random, stack: StackSettings): string {
  const some = layersOf(stack).filter(() => r.chance(0.6));
  return r.pick(['all', '-1', `${stack.first}..`, '-1..', formatLayers(some, stack.first, stack.repeat)]);
}

function plainNode(r: Random, stack: StackSettings | undefined): Node {
  if (r.chance(0.06)) return unknownNode(r);
  const recipe = stack !== undefined && r.chance(0.3) ? { recipe: recipeId('rLora'), type: 'peft.lora' } : undefined;
  return {
    type: recipe?.type ?? r.pick(KNOWN_TYPES),
    version: recipe === undefined ? r.int(3) + 1 : 1,
    ...(r.chance(0.2) ? { title: r.pick(STRINGS) } : {}),
    ...(r.chance(0.2) ? { site: r.pick(['attn.query', 'ffn.up', 'norm']) } : {}),
    ...(recipe === undefined ? {} : { recipe: recipe.recipe }),
    ...(recipe !== undefined && r.chance(0.5) ? { shared: sharedSetId('pair') } : {}),
    ...(stack !== undefined && r.chance(0.15) ? { bank: bankId('sources') } : {}),
    ...(r.chance(0.2) ? { scope: r.pick(['layer', 'stack', 'model'] as const) } : {}),
    ...(stack !== undefined && r.chance(0.3) ? { layers: selectionIn(r, stack) } : {}),
    ...(r.chance(0.1)
      ? { mute: r.chance(0.5) }
      : stack !== undefined && r.chance(0.1)
        ? { mute: selectionIn(r, stack) }
        : {}),
    params: params(r, stack),
    ...(r.chance(0.1) ? { notes: r.pick(STRINGS) } : {}),
  };
}

const edge = (from: NodeId, fromPort: string, to: NodeId, toPort: string, order?: number): Edge => ({
  from: { node: from, port: portId(fromPort) },
  to: { node: to, port: portId(toPort) },
  ...(order === undefined ? {} : { order }),
});

const STACK_PORTS = { carry: ['x', 'y'], broadcast: ['mask'], collect: ['hidden'] } as const;

function stackNode(r: Random, depth: number, ids: () => NodeId): Node {
  const stack: StackSettings = {
    repeat: r.int(8) + 1,
    first: r.int(6),
    weights: r.pick(['each', 'shared'] as const),
    carry: STACK_PORTS.carry.slice(0, r.int(2) + 1).map(portId),
    broadcast: STACK_PORTS.broadcast.slice(0, r.int(2)).map(portId),
    collect: STACK_PORTS.collect.slice(0, r.int(2)).map(portId),
  };
  return { type: 'stack', version: 1, params: params(r), stack, body: graph(r, depth - 1, ids, stack) };
}

/** Nodes in a line with wires forward only; a stack's ports are those that it declares. */
function graph(r: Random, depth: number, ids: () => NodeId, stack?: StackSettings): Graph {
  const nodes = Array.from({ length: r.int(5) + 1 }, (_, i) => {
    const isStack = depth > 0 && i > 0 && r.chance(0.3);
    return [ids(), isStack ? stackNode(r, depth, ids) : plainNode(r, stack)] as const;
  });
  const edges: Edge[] = [];
  const inputs = new Map<NodeId, readonly string[]>();
  const outputs = new Map<NodeId, readonly string[]>();
  for (const [id, node] of nodes) {
    const s = node.stack;
    inputs.set(id, s === undefined ? ['in', 'other'] : [...s.carry, ...s.broadcast]);
    outputs.set(id, s === undefined ? ['out'] : [...s.carry, ...s.collect]);
  }
  nodes.forEach(([to], i) => {
    for (const [from] of nodes.slice(0, i)) {
      if (!r.chance(0.5)) continue;
      const order = r.chance(0.3) ? edges.length : undefined;
      edges.push(edge(from, r.pick(outputs.get(from) ?? ['out']), to, r.pick(inputs.get(to) ?? ['in']), order));
    }
  });
  if (stack !== undefined) {
    const [first] = nodes;
    if (first === undefined) throw new Error('a body has a node');
    for (const port of [...stack.carry, ...stack.broadcast]) edges.push(edge(WALL_IN, port, first[0], `from_${port}`));
    for (const port of [...stack.carry, ...stack.collect]) edges.push(edge(first[0], 'out', WALL_OUT, port));
  }
  return { nodes: recordOf(nodes), edges };
}

function workflow(r: Random, models: readonly string[]): Workflow {
  const step = (type: string, more: Partial<WorkflowNode> = {}): WorkflowNode => ({
    type,
    version: 1,
    params: params(r),
    ...more,
  });
  const each = nodeId('each');
  const items = ['mnli', 'qqp', 'sst2'].slice(0, r.int(3) + 1).map((name, i) => ({
    name,
    ...(i > 0 && r.chance(0.3) ? { mute: true } : {}),
    set: recordOf(r.chance(0.7) ? [[nodeId('inner'), params(r)] as const] : []),
  }));
  const nodes: (readonly [NodeId, WorkflowNode])[] = [
    [nodeId('data'), step('data')],
    [
      each,
      step('for-each', {
        items,
        body: {
          nodes: recordOf([
            [nodeId('inner'), step('data')],
            [nodeId('fit'), step('train')],
          ]),
          edges: [
            edge(nodeId('inner'), 'out', nodeId('fit'), 'data'),
            edge(WALL_IN, 'seed', nodeId('fit'), 'seed'),
            edge(nodeId('fit'), 'adapter', WALL_OUT, 'adapter'),
          ],
        },
      }),
    ],
    [nodeId('model'), step('model', { model: modelId(r.pick(models)) })],
    [nodeId('train'), step('train')],
  ];
  return {
    nodes: recordOf(nodes),
    edges: [
      edge(nodeId('data'), 'out', each, 'seed'),
      edge(nodeId('data'), 'out', nodeId('train'), 'data'),
      edge(nodeId('model'), 'out', nodeId('train'), 'model'),
    ],
  };
}

export function generateDocument(seed: number): Document {
  const r = seeded(seed);
  const names = ['main', 'second', 'hasOwnProperty'].slice(0, r.int(3) + 1);
  let count = 0;
  const ids = (): NodeId => nodeId(r.pick(['n', 'toString', 'valueOf', 'q-proj', '_']) + `${count++}`);
  const models = recordOf(names.map((name) => [modelId(name), graph(r, 2, ids)] as const));
  const artifacts: readonly ArtifactRef[] = [
    { step: nodeId('each'), item: 'mnli', output: portId('adapter') },
    { step: nodeId('each'), item: 'mnli' },
    { hash: 'ab'.repeat(32) },
    { asset: 'adapters/größe 1/x.safetensors' },
  ];
  return {
    format: 'espalier',
    version: 1,
    title: r.pick(STRINGS),
    ...(r.chance(0.5) ? { notes: r.pick(STRINGS) } : {}),
    workflow: workflow(r, names),
    models,
    recipes: recordOf([[recipeId('rLora'), { type: 'peft.lora', version: 1, params: params(r) }]]),
    sharedSets: recordOf([[sharedSetId('pair'), r.chance(0.5) ? {} : { title: 'a pair' }]]),
    banks: recordOf([
      [
        bankId('sources'),
        {
          sources: ['one', 'two', 'three'].slice(0, r.int(4)).map((name) => ({
            name,
            artifact: r.pick(artifacts),
            ...(r.chance(0.2) ? { mute: r.chance(0.5) } : {}),
            ...(r.chance(0.2) ? { layers: 'all' } : {}),
          })),
        },
      ],
    ]),
    ...(r.chance(0.5) ? { view: { positions: { a: [1, -2.5], b: null }, zoom: scalar(r), '10': {}, '9': [] } } : {}),
  };
}
