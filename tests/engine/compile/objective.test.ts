/** Objectives: a loss that calls one model twice (distillation), and a gradient through a gradient step (meta-learning). */
import { describe, expect, test } from 'vitest';
import { differentiate } from '../../../engine/autodiff/gradient.ts';
import { interpret } from '../../../engine/backends/reference/interpret.ts';
import { must } from '../../../engine/base/errors.ts';
import type { Objective } from '../../../engine/compile/model.ts';
import {
  add,
  crossEntropy,
  exp,
  log,
  matmul,
  mul,
  softmax,
  stopGradient,
  sub,
  sum,
  tanh,
} from '../../../engine/ir/build.ts';
import { FP32, type Fn, type Program } from '../../../engine/ir/program.ts';
import { tensorType } from '../../../engine/ir/types.ts';
import type { NDArray } from '../../../engine/ops/rule.ts';
import { verifyProgram } from '../../../engine/ops/verify.ts';
import { inlineProgram } from '../../../engine/passes/inline.ts';
import { FnBuilder } from '../../../engine/tracing/builder.ts';
import { makeNode, wire } from '../../../nodes/backbones/graph.ts';
import { compileTiny, feedsFor, generator, tinyGraph, withModules } from '../../support/tinyModels.ts';

const main = (p: Program): Fn => must(p.functions.get(p.entry), 'entry');
const scalar = (r: ReadonlyMap<string, NDArray>, name: string): number => must(r.get(name), name).data[0] as number;

/** Central difference of `of` along one entry of a feed. */
function slope(program: Program, feeds: ReadonlyMap<string, NDArray>, name: string, index: number, of: string): number {
  const h = 1e-5;
  const at = (step: number): number => {
    const x = must(feeds.get(name), name);
    const data = x.data.slice();
    data[index] = (data[index] as number) + step;
    return scalar(interpret(main(program), new Map(feeds).set(name, { ...x, data })), of);
  };
  return (at(h) - at(-h)) / (2 * h);
}

describe('distillation: one model called with its modules and, as the teacher, without', () => {
  const graph = withModules(
    tinyGraph(),
    [makeNode('lora', 'peft.lora', { rank: 2 })],
    [wire('lora.transform -> query.transforms')],
  );
  /** KL(teacher || student) beside the loss of the labels. */
  const objective: Objective = ({ model }) => {
    const student = model();
    const teacher = model({ bypass: 'all' });
    const z = must(student.outputs.get('logits'), 'logits');
    const p = stopGradient(softmax(must(teacher.outputs.get('logits'), 'logits')));
    const kl = sum(mul(p, sub(log(p), log(softmax(z)))), [-2, -1]);
    const weight = must(student.losses[0], 'loss')[1].weight;
    return {
      losses: [...student.losses, ['distill', { kind: 'loss', sum: kl, weight, coefficient: 0.5 }]],
      outputs: student.outputs,
    };
  };
  const compiled = compileTiny(graph, { objective });
  const trainable = compiled.parameters.filter((p) => p.role === 'trainable').map((p) => p.name);
  const flat = inlineProgram(compiled.program);
  const batch = { lengths: [4, 2, 5], length: 5 };

  test('both calls share every weight, and the student alone has modules', () => {
    const main_ = main(compiled.program);
    const calls = main_.body.filter((i) => i.kind === 'call');
    expect(calls).toHaveLength(2);
    const lora = (call: (typeof calls)[number]) =>
      call.kind === 'call' && main_.params.some((p) => p.name.includes('lora') && call.inputs.includes(p.id));
    expect(calls.map(lora)).toEqual([true, false]);
    expect(new Set(main_.params.map((p) => p.name)).size).toBe(main_.params.length);
  });

  test('the gradient of the sum of both losses is that of finite differences', () => {
    const { program } = differentiate(flat, { of: 'objective', wrt: trainable });
    verifyProgram(program);
    const feeds = feedsFor(program, batch);
    const gradients = interpret(main(program), feeds);
    // The teacher is held fixed and shares the head, so that finite differences see it move with the head alone.
    for (const name of trainable.filter((n) => n.includes('lora'))) {
      const g = must(gradients.get(`grad/${name}`), name);
      for (const index of [0, g.data.length - 1]) {
        expect(Math.abs((g.data[index] as number) - slope(flat, feeds, name, index, 'objective'))).toBeLessThan(1e-6);
      }
    }
    expect(scalar(gradients, 'loss/distill/sum')).toBeGreaterThan(0);
  });
});

describe('meta step: weights of examples learnt through one gradient step (LiST, methods-2 1.5)', () => {
  /** sum_i w_i nll_i of a two-layer network. */
  function lossFn(name: string): Fn {
    const b = new FnBuilder();
    const A = b.param('A', 'trainable', tensorType('f32', [4, 3]));
    const C = b.param('C', 'trainable', tensorType('f32', [2, 4]));
    const x = b.param('x', 'input', tensorType('f32', [5, 3]));
    const y = b.param('y', 'input', tensorType('i32', [5]));
    const w = b.param('w', 'input', tensorType('f32', [5]));
    const [nll] = crossEntropy(matmul(tanh(matmul(x, A, { transposeB: true })), C, { transposeB: true }), y);
    return b.finish(name, [{ name: 'loss', value: sum(mul(nll, exp(w)), [-1]) }]);
  }
  const loss = lossFn('loss');
  const single: Program = { symbols: [], functions: new Map([['loss', loss]]), entry: 'loss', policy: FP32 };
  const step = { ...main(differentiate(single, { of: 'loss', wrt: ['A', 'C'] }).program), name: 'step' };

  /** L(theta - lr * dL(theta; w); held-out): calls the gradient as a function, since it is one. */
  function metaProgram(): Program {
    const b = new FnBuilder();
    const A = b.param('A', 'trainable', tensorType('f32', [4, 3]));
    const C = b.param('C', 'trainable', tensorType('f32', [2, 4]));
    const part = (tag: string) =>
      [
        b.param(`x${tag}`, 'input', tensorType('f32', [5, 3])),
        b.param(`y${tag}`, 'input', tensorType('i32', [5])),
      ] as const;
    const [x1, y1] = part('1');
    const [x2, y2] = part('2');
    const w = b.param('w', 'trainable', tensorType('f32', [5]));
    const zero = mul(stopGradient(w), 0);
    const [, gA, gC] = b.call(step, 'inner', [A, C, x1, y1, w], { kind: 'plain' });
    const moved = [add(A, mul(must(gA, 'gA'), -0.1)), add(C, mul(must(gC, 'gC'), -0.1))] as const;
    const [meta] = b.call(loss, 'outer', [moved[0], moved[1], x2, y2, zero], { kind: 'plain' });
    const fn = b.finish('main', [{ name: 'meta', value: must(meta, 'meta') }]);
    return {
      ...single,
      functions: new Map([
        ['loss', loss],
        ['step', step],
        ['main', fn],
      ]),
      entry: 'main',
    };
  }

  test('reverse over reverse equals finite differences', () => {
    const program = metaProgram();
    verifyProgram(program);
    const flat = inlineProgram(program);
    const random = generator(7);
    const real = (shape: number[]): NDArray => ({
      dtype: 'f32',
      shape,
      data: Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random() * 2 - 1),
    });
    const labels = (): NDArray => ({
      dtype: 'i32',
      shape: [5],
      data: Float64Array.from({ length: 5 }, (_, i) => i % 2),
    });
    const feeds = new Map([
      ['A', real([4, 3])],
      ['C', real([2, 4])],
      ['x1', real([5, 3])],
      ['y1', labels()],
      ['x2', real([5, 3])],
      ['y2', labels()],
      ['w', real([5])],
    ]);
    const meta = differentiate(flat, { of: 'meta', wrt: ['w', 'A'] }).program;
    verifyProgram(meta);
    const results = interpret(main(meta), feeds);
    for (const [name, count] of [
      ['w', 5],
      ['A', 12],
    ] as const) {
      const g = must(results.get(`grad/${name}`), name);
      expect(g.data.some((x) => Math.abs(x) > 1e-4)).toBe(true);
      for (let i = 0; i < count; i++)
        expect(Math.abs((g.data[i] as number) - slope(flat, feeds, name, i, 'meta'))).toBeLessThan(1e-7);
    }
  });
});
