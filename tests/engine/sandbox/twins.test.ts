/**
 * Custom nodes are worth as much as our own: twins of our bottleneck and LoRA give the same Program, also for merging;
 * their exported PyTorch code gives the same logits and gradients; a run trains them and runs again when a source changed.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileModel } from '../../../engine/compile/model.ts';
import { makeRegistry } from '../../../engine/compile/registry.ts';
import { must } from '../../../engine/base/errors.ts';
import { printProgram } from '../../../engine/ir/print.ts';
import { verifyProgram } from '../../../engine/ops/verify.ts';
import { entriesOf, recordOf, type NodeId } from '../../../engine/protocol/ids.ts';
import type { Document, Node } from '../../../engine/protocol/document.ts';
import { CustomNodes, sourceHash } from '../../../engine/sandbox/customNodes.ts';
import { NODES } from '../../../nodes/index.ts';
import { compareLogits, expected, newFolder, runCases, writeCase } from '../backends/torch/harness.ts';
import { newWith, place, type Place } from '../cli/espalier.ts';
import { documentWith, withBody } from '../../support/documents.ts';
import { MAIN } from '../../support/tinyModels.ts';
import { BOTTLENECK, LORA } from './twinNodes.ts';

const folder = newFolder();
const sources = { bottleneck: BOTTLENECK, lora: LORA };
const custom = new CustomNodes({ folder, trusted: () => Object.values(sources).map(sourceHash) });
for (const [name, source] of Object.entries(sources)) writeFileSync(`${folder}/${name}.ts`, source);
const registry = makeRegistry(NODES, custom);
afterAll(() => {
  custom.close();
  rmSync(folder, { recursive: true, force: true });
});

const TYPES: ReadonlyMap<string, string> = new Map([
  ['peft.bottleneck', 'custom.bottleneck'],
  ['peft.lora', 'custom.lora'],
]);

/** The document with our modules replaced by their twins. */
function twin(document: Document): Document {
  const other = (node: Node): Node => ({ ...node, type: TYPES.get(node.type) ?? node.type });
  const replaced = withBody(document, (body) => ({
    ...body,
    nodes: recordOf(entriesOf<NodeId, Node>(body.nodes).map(([id, n]) => [id, other(n)] as const)),
  }));
  const recipes = entriesOf(document.recipes).map(
    ([id, r]) => [id, { ...r, type: TYPES.get(r.type) ?? r.type }] as const,
  );
  return { ...replaced, recipes: recordOf(recipes) };
}

/** A Program as text in which values are numbered by their first use, and twins have the names of ours. */
function textOf(document: Document, options: { training: boolean; merging: boolean }): string {
  const { compiled, diagnostics } = compileModel({ document, model: MAIN, registry, ...options });
  if (!compiled) throw new Error(JSON.stringify(diagnostics, undefined, 1));
  verifyProgram(compiled.program);
  const own = printProgram(compiled.program)
    .replaceAll('custom.', 'peft.')
    .split('\n\n')
    .map((fn) => {
      const ids = new Map<string, string>();
      return fn.replace(/%\d+/g, (id) => {
        if (!ids.has(id)) ids.set(id, `%${ids.size}`);
        return ids.get(id) ?? id;
      });
    });
  const parameters = compiled.parameters.map(({ name, role, init, initFrom, decay, scope }) =>
    JSON.stringify([name, role, init, initFrom, decay, scope]),
  );
  return [...own, ...parameters].join('\n\n');
}

const METHODS: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ['pfeiffer', {}],
  ['houlsby', { activation: 'gelu' }],
  ['lora', { r: 4, dropout: 0.1 }],
];

describe('the same Program', () => {
  it.each(METHODS)('%s', (method, params) => {
    const document = documentWith([[method, params]]);
    expect(JSON.stringify(twin(document))).toContain('custom.');
    for (const training of [true, false])
      expect(textOf(twin(document), { training, merging: false })).toBe(textOf(document, { training, merging: false }));
  });
  it('and the same merged weights', () => {
    const document = documentWith([['lora', { r: 4 }]]);
    const options = { training: false, merging: true };
    expect(textOf(twin(document), options)).toBe(textOf(document, options));
  });
});

it('exported code gives the logits and the loss of the Program', () => {
  const tests = METHODS.map(([method, params]) => ({
    name: method,
    document: twin(documentWith([[method, params]])),
    task: { kind: 'classification', classes: 3 } as const,
    registry,
  }));
  const wanted = tests.map((t) => expected(t));
  const cases = tests.map((t, i) => writeCase(t, must(wanted[i], t.name), folder, { dtype: 'float64' }));
  runCases(cases).forEach((ran, i) => {
    expect(compareLogits(must(wanted[i], 'a reference'), ran.out), tests[i]?.name).toBeLessThan(1e-6);
  });
}, 240_000);

describe('a run', () => {
  let at: Place;
  beforeAll(() => {
    at = place();
    mkdirSync(at.path('custom-nodes'));
    const made = at.run(...newWith('--epochs', '1', '--batch', '16'));
    if (made.code !== 0) throw new Error(made.err);
    at.write('twin.json', at.read('doc.json').replaceAll('"peft.lora"', '"custom.lora"'));
    at.write('custom-nodes/lora.ts', LORA);
  }, 120_000);
  afterAll(() => at.remove());

  it('is refused in words while the source is not allowed, and the document stays as it is', () => {
    const before = at.read('twin.json');
    const refused = at.run('check', 'twin.json', '--json');
    expect(refused.code).toBe(1);
    expect(refused.out).toContain('has not been allowed on this machine');
    expect(at.read('twin.json')).toBe(before);
  });

  it('trains three steps like ours once it is allowed, and again when the source has changed', () => {
    expect(at.run('custom', 'trust', 'lora', '--hash', '0'.repeat(64)).code).toBe(1);
    expect(at.run('custom', 'trust', 'lora', '--hash', sourceHash(LORA)).code).toBe(0);
    const ours = at.run('run', 'doc.json', '--out', 'ours', '--json').last();
    const theirs = at.run('run', 'twin.json', '--out', 'theirs', '--json').last();
    expect(theirs).toMatchObject({ event: 'done', trainable_parameters: ours['trainable_parameters'] });
    expect(theirs['metrics']).toEqual(ours['metrics']);
    const steps = at
      .read('theirs/metrics.jsonl')
      .split('\n')
      .filter((l) => l.includes('"event":"step"'));
    expect(steps).toHaveLength(3);
    expect(at.run('run', 'twin.json', '--out', 'theirs', '--json').last()['steps']).toMatchObject([{ known: true }]);
    const changed = LORA.replace('return p.alpha', 'return 2 * p.alpha').replace('p.alpha / (', '2 * p.alpha / (');
    at.write('custom-nodes/lora.ts', changed);
    expect(at.run('run', 'twin.json', '--out', 'theirs', '--json').code).toBe(1);
    expect(at.run('custom', 'trust', 'lora', '--hash', sourceHash(changed)).code).toBe(0);
    const again = at.run('run', 'twin.json', '--out', 'theirs', '--json').last();
    expect(again['steps']).toMatchObject([{ known: false }]);
    const exported = at.run('export', 'twin.json', '--to', 'torch', '--out', 'code');
    expect(exported.code, exported.err).toBe(0);
    expect(at.read('code/model.py')).toContain('class Lora(nn.Module):');
  }, 300_000);
});
