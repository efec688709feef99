/** The example with a second model for sources, a for-each step that trains two of them, and a bank that holds them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../../build/setup.mjs';

type Json = Record<string, unknown>;
const object = (value: unknown): Json => value as Json;

const adapter = (graph: Json): Json => {
  const nodes = object(graph['nodes']);
  const layers = object(nodes['layers']);
  const body = object(layers['body']);
  const kept = Object.entries(object(body['nodes'])).filter(([id]) => !id.startsWith('lora_'));
  const edges = (body['edges'] as { readonly from: { readonly node: string } }[]).filter(
    (e) => !e.from.node.startsWith('lora_'),
  );
  const wire = (from: string, out: string, to: string, into: string): Json => ({
    from: { node: from, port: out },
    to: { node: to, port: into },
  });
  const added = { houlsby_ffn: { type: 'peft.bottleneck', version: 1, params: { size: 8 } } };
  return {
    ...graph,
    nodes: {
      ...nodes,
      layers: {
        ...layers,
        body: {
          nodes: { ...Object.fromEntries(kept), ...added },
          edges: [...edges, wire('ffn_drop', 'y', 'houlsby_ffn', 'x'), wire('houlsby_ffn', 'delta', 'ffn_add', 'x')],
        },
      },
    },
  };
};

export function sourcesDocument(): Json {
  const base = object(JSON.parse(readFileSync(join(root, 'examples', 'first-steps.espalier.json'), 'utf8')));
  const workflow = object(base['workflow']);
  const models = object(base['models']);
  const data = (file: string): Json => ({ data: { file, text: ['text'], label: ['label'] } });
  const end = (node: string, port: string): Json => ({ node, port });
  return {
    ...base,
    title: 'sources',
    workflow: {
      ...workflow,
      nodes: {
        sources: {
          type: 'for-each',
          version: 1,
          items: [
            { name: 'first', set: data('first-steps.csv') },
            { name: 'second', set: data('first-steps.eval.csv') },
          ],
          body: {
            nodes: {
              data: { type: 'data.table', version: 1, params: { task: 'classification' } },
              model: { type: 'model', version: 1, model: 'source', params: { backbone: 'starter' } },
              train: { type: 'train', version: 1, params: { epochs: 1 } },
            },
            edges: [
              { from: end('data', 'data'), to: end('model', 'data') },
              { from: end('data', 'data'), to: end('train', 'data') },
              { from: end('model', 'model'), to: end('train', 'model') },
              { from: end('train', 'adapter'), to: end('$out', 'adapter') },
            ],
          },
        },
        ...object(workflow['nodes']),
      },
    },
    models: { ...models, source: adapter(object(models['main'])) },
    banks: {
      sources: {
        sources: ['first', 'second'].map((item) => ({
          name: item,
          artifact: { step: 'sources', item, output: 'adapter' },
        })),
      },
    },
  };
}
