/** Dropout leaves the frozen prefix and stays in everything that a trainable parameter reaches. */
import { expect, test } from 'vitest';
import { interpret } from '../../../engine/backends/reference/interpret.ts';
import { must } from '../../../engine/base/errors.ts';
import type { OpInstr, Program } from '../../../engine/ir/program.ts';
import { verifyProgram } from '../../../engine/ops/verify.ts';
import { dropFrozenDropout } from '../../../engine/passes/frozenDropout.ts';
import { inlineProgram } from '../../../engine/passes/inline.ts';
import { packTokens } from '../../../engine/passes/packing.ts';
import { selectRows } from '../../../engine/passes/rowSelection.ts';
import { makeNode, wire } from '../../../nodes/backbones/graph.ts';
import { compileTiny, distance, feedsFor, tinyGraph, TINY, withModules } from '../../support/tinyModels.ts';

const graph = (p: number) =>
  withModules(
    tinyGraph(undefined, { ...TINY, dropout: p, attentionDropout: p }),
    [makeNode('lora', 'peft.lora', { rank: 2 }, { layers: '2' })],
    [wire('lora.transform -> value.transforms')],
  );
const sites = (p: Program): string[] =>
  must(p.functions.get('main'), 'main').body.flatMap((i) =>
    i.kind === 'op' && i.op === 'noise' ? [(i as OpInstr<'noise'>).attrs.site] : [],
  );

test.each([
  ['padded', (p: Program) => p],
  ['packed', (p: Program) => selectRows(packTokens(p))],
] as const)('%s', (_form, rows) => {
  const compiled = compileTiny(graph(0.3));
  const trainable = new Set(compiled.parameters.filter((p) => p.role === 'trainable').map((p) => p.name));
  const flat = rows(inlineProgram(compiled.program));
  const off = dropFrozenDropout(flat, trainable);
  verifyProgram(off);
  expect(sites(flat).some((s) => s.startsWith('layers/0/'))).toBe(true);
  // In layer 2 the attention weights come before the trained values; what follows them stays.
  expect(sites(off).filter((s) => !s.startsWith('head'))).toEqual([
    'layers/2/attention/probabilities',
    'layers/2/attn_drop/dropout',
    'layers/2/ffn_drop/dropout',
  ]);
});

test('with all dropout in the prefix, the result is that of a model without dropout', () => {
  const config = { ...TINY, classifierDropout: 0 };
  const compiled = compileTiny(tinyGraph(undefined, config));
  const flat = inlineProgram(compiled.program);
  const head = new Set(['head/out.weight', 'head/out.bias']);
  const off = dropFrozenDropout(flat, head);
  const none = inlineProgram(compileTiny(tinyGraph(undefined, { ...config, dropout: 0, attentionDropout: 0 })).program);
  const batch = { lengths: [3, 5], length: 5 };
  const run = (p: Program) =>
    must(interpret(must(p.functions.get('main'), 'main'), feedsFor(p, batch)).get('output/logits'), 'logits');
  expect(distance(run(none), run(off))).toBeLessThan(1e-12);
});
