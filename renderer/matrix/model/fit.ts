/** Whether a module may be painted at a place, with the reason in words where it may not. */
import { fail, ok, type Result } from '../../../engine/base/result.ts';
import type { Catalog, NodeTypeInfo } from '../../../engine/protocol/api/catalog.ts';
import type { Graph, Node, Params, Scalar } from '../../../engine/protocol/document.ts';
import { freeNodeId } from '../../../engine/protocol/edit.ts';
import type { NodeId } from '../../../engine/protocol/ids.ts';
import { stackValue } from '../../../engine/protocol/params.ts';
import type { Row, RowKind } from './grid.ts';

/** What a row takes, in words. */
const TAKES: Readonly<Record<RowKind, string>> = {
  transform: 'a linear layer; it takes modules that change its weight, such as LoRA, DoRA, (IA)³ or BitFit',
  affine: 'a norm; it takes scale and shift, such as LayerNorm tuning',
  kv: 'the keys and values of the attention; it takes prefixes',
  prompt: 'the input of the model; it takes soft prompts',
  series: 'the output of a sub-layer; it takes bottleneck adapters',
  parallel: 'a place beside a sub-layer; it takes bottleneck adapters',
  head: 'the head; it is trained as it is and takes no modules',
};

/** What a module gives where it is attached: `transform`, `affine`, `kv`, `prompt`, `delta`; undefined for helpers. */
export function attachesBy(info: NodeTypeInfo): 'transform' | 'affine' | 'kv' | 'prompt' | 'delta' | undefined {
  const outputs = Object.entries(info.outputs);
  for (const kind of ['transform', 'affine', 'kv'] as const) if (outputs.some(([, p]) => p.kind === kind)) return kind;
  if (outputs.some(([name, p]) => p.kind === 'tensor' && name === 'prompt')) return 'prompt';
  const tensors = Object.values(info.inputs).filter((p) => p.kind === 'tensor' && !p.optional);
  return outputs.some(([, p]) => p.kind === 'tensor') && tensors.length === 1 && tensors[0]?.many !== true
    ? 'delta'
    : undefined;
}

/** The types that a brush may hold: modules with a place of their own. */
export const brushTypes = (catalog: Catalog): readonly NodeTypeInfo[] =>
  catalog.nodes.filter(
    (n) =>
      (n.peft !== undefined || n.family === 'custom') &&
      attachesBy(n) !== undefined &&
      n.type !== 'peft.gate' &&
      !n.bank,
  );

export function fits(row: Row, info: NodeTypeInfo, target: Node | undefined): Result<undefined> {
  const by = attachesBy(info);
  if (by === undefined || info.bank)
    return fail(`${info.title} mixes the sources of a bank; attach it with "Attach sources to a model"`);
  const right = row.kind === by || (by === 'delta' && (row.kind === 'series' || row.kind === 'parallel'));
  if (!right) return fail(`${info.title} cannot go to "${row.title}", which is ${TAKES[row.kind]}`);
  if (info.type === 'peft.bitfit' && target !== undefined && (target.params['bias'] ?? '') === '')
    return fail(`"${row.title}" has no bias that BitFit could train`);
  return ok(undefined);
}

/** What a new module must know of its place: widths, and the names of weights that it starts from. */
export function placeParams(info: NodeTypeInfo, row: Row, target: Node | undefined): Params {
  const given = target?.params ?? {};
  const number = (name: string): number => Number(given[name] ?? 0);
  const wanted = (name: string): boolean => name in info.params;
  const params: [string, Scalar][] = [];
  if (row.kind === 'affine') {
    for (const name of ['width', 'epsilon', 'weight', 'bias']) {
      const value = given[name];
      if (wanted(name) && (typeof value === 'number' || typeof value === 'string')) params.push([name, value]);
    }
  }
  if (row.kind === 'kv' && wanted('width')) params.push(['width', number('heads') * number('headWidth')]);
  if (row.kind === 'prompt') {
    const prefix = given['prefix'];
    if (wanted('width')) params.push(['width', number('width')]);
    if (wanted('rows')) params.push(['rows', number('vocabulary')]);
    if (wanted('table')) params.push(['table', `${typeof prefix === 'string' ? prefix : ''}word_embeddings.weight`]);
  }
  // (IA)3 scales the inside of the FFN, which is the input of its second matrix.
  if (info.type === 'peft.ia3' && row.id === 'ffn.down') params.push(['on', 'input']);
  return Object.fromEntries(params);
}

/** Parameters that belong to a place rather than to the module; a brush does not carry them. */
export const PLACE_PARAMS: ReadonlySet<string> = new Set(['width', 'epsilon', 'weight', 'bias', 'rows', 'table', 'on']);

/** The parameters that a brush of a type carries, with the type's own values. */
export const brushDefaults = (info: NodeTypeInfo): Readonly<Record<string, Scalar>> =>
  Object.fromEntries(
    Object.entries(info.params).flatMap(([name, spec]): [string, Scalar][] =>
      PLACE_PARAMS.has(name) || Array.isArray(spec.default) ? [] : [[name, spec.default as Scalar]],
    ),
  );

/** The values of a recipe that a brush carries: those of the stack, without what belongs to a place. */
export const plainParams = (params: Params): Readonly<Record<string, Scalar>> =>
  Object.fromEntries(
    Object.entries(params).flatMap(([name, value]): [string, Scalar][] => {
      const plain = stackValue(value);
      return typeof plain === 'object' || PLACE_PARAMS.has(name) ? [] : [[name, plain]];
    }),
  );

/** An id for a new node that no other node of the graph has: `lora_attn_query`, then `lora_attn_query_2`. */
export function freshId(graph: Graph, type: string, site: string): NodeId {
  const name = (type.split('.').pop() ?? type).replace(/[^A-Za-z0-9_-]/g, '_');
  const base = `${/^[A-Za-z_]/.test(name) ? name : `m_${name}`}_${site.replace(/[^A-Za-z0-9_-]/g, '_')}`;
  return freeNodeId(graph, base);
}
