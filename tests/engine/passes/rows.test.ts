/** Packing and row selection: the same numbers from fewer rows. */
import { describe, expect, test } from 'vitest';
import { differentiate } from '../../../engine/autodiff/gradient.ts';
import { interpret } from '../../../engine/backends/reference/interpret.ts';
import { must } from '../../../engine/base/errors.ts';
import { mulDims, symbolsOf, type Dim } from '../../../engine/ir/dim.ts';
import type { Fn, Program } from '../../../engine/ir/program.ts';
import { verifyProgram } from '../../../engine/ops/verify.ts';
import { ruleOf } from '../../../engine/ops/table.ts';
import { inlineProgram } from '../../../engine/passes/inline.ts';
import { packTokens } from '../../../engine/passes/packing.ts';
import { selectRows } from '../../../engine/passes/rowSelection.ts';
import { evaluateDim } from '../../../engine/ir/dim.ts';
import type { Task } from '../../../nodes/backbones/bert.ts';
import { makeNode, wire } from '../../../nodes/backbones/graph.ts';
import type { Graph } from '../../../engine/protocol/document.ts';
import { compileTiny, distance, feedsFor, tinyGraph, withModules, type TinyBatch } from '../../support/tinyModels.ts';

const BATCH: TinyBatch = { lengths: [5, 2, 6, 3], length: 6 };

const loraOnQueryAndValue = (task?: Task): Graph =>
  withModules(
    tinyGraph(task),
    [makeNode('lora_q', 'peft.lora', { rank: 2, dropout: 0.3 }), makeNode('lora_v', 'peft.lora', { rank: 3 })],
    [wire('lora_q.transform -> query.transforms'), wire('lora_v.transform -> value.transforms')],
  );

const entry = (p: Program): Fn => must(p.functions.get(p.entry), 'entry');

function matmulFlops(program: Program): number {
  const fn = entry(program);
  const bindings = new Map([
    ['B', 4],
    ['T', 6],
    ['N', 16],
  ]);
  const type = (id: never) => must(fn.values.get(id), 'value').type;
  let total: Dim = 0;
  for (const i of fn.body) {
    if (i.kind !== 'op' || i.op !== 'matmul') continue;
    const flops = ruleOf(i.op).flops(
      i.attrs as never,
      i.inputs.map((id) => type(id as never)),
      i.outputs.map((id) => type(id as never)),
    );
    total = evaluateDim(flops, bindings) + Number(total);
  }
  return Number(total);
}

function run(forward: Program, wrt: readonly string[], task?: Task) {
  verifyProgram(forward);
  const { program } = differentiate(forward, { of: 'objective', wrt });
  verifyProgram(program);
  return interpret(entry(program), feedsFor(program, BATCH, 1, task));
}

describe.each([
  ['classification', { kind: 'classification', classes: 3 }],
  ['tokens', { kind: 'tokens', classes: 3 }],
  ['regression', { kind: 'regression' }],
  ['multilabel', { kind: 'multilabel', classes: 4 }],
] as [string, Task][])('%s', (_name, task) => {
  const compiled = compileTiny(loraOnQueryAndValue(task));
  const flat = inlineProgram(compiled.program);
  const wrt = compiled.parameters.filter((p) => p.role === 'trainable').map((p) => p.name);
  const plain = run(flat, wrt, task);

  test.each([
    ['packed', (p: Program) => packTokens(p)],
    ['selected', (p: Program) => selectRows(p)],
    ['packed and selected', (p: Program) => selectRows(packTokens(p))],
  ])('%s gives the same loss, logits and gradients', (_label, pass) => {
    const changed = run(pass(flat), wrt, task);
    expect([...changed.keys()]).toEqual([...plain.keys()]);
    for (const [name, value] of plain) {
      if (name === 'output/logits' && task.kind === 'tokens') continue;
      expect(distance(value, must(changed.get(name), name)), name).toBeLessThan(1e-10);
    }
  });
});

test('work falls with the padding and with the rows that nobody reads', () => {
  const flat = inlineProgram(compileTiny(loraOnQueryAndValue()).program);
  const packed = packTokens(flat);
  const selected = selectRows(packed);
  expect(matmulFlops(packed) / matmulFlops(flat)).toBeCloseTo(16 / 24, 1);
  // Of the last layer only keys and values see all tokens: queries, output projection and FFN run on 4 rows of 16.
  const d = 12;
  const ff = 20;
  const saved = 2 * (16 - 4) * (2 * d * d + 2 * d * ff + 2 * d * 2);
  expect(matmulFlops(packed) - matmulFlops(selected)).toBeGreaterThanOrEqual(saved * 0.95);
});

test('a layout symbol names the padded axes that it packs', () => {
  const packed = packTokens(inlineProgram(compileTiny(loraOnQueryAndValue()).program));
  expect(packed.symbols.find((s) => s.name === 'N')?.packs).toEqual(['B', 'T']);
  expect(symbolsOf(mulDims('B' as Dim, 'T' as Dim))).toEqual(new Set(['B', 'T']));
});
