/** Deep stacks for the tests of recomputation: layers with many activations, and reversible pairs, `[B,T,C]` throughout. */
import * as t from '../../engine/ir/build.ts';
import { symbol } from '../../engine/ir/dim.ts';
import { FP32, type Fn, type Program, type Region } from '../../engine/ir/program.ts';
import type { Tensor } from '../../engine/ir/tensor.ts';
import { tensorType } from '../../engine/ir/types.ts';
import { FnBuilder } from '../../engine/tracing/builder.ts';

export interface StackOptions {
  readonly layers: number;
  readonly width: number;
  readonly region: 'plain' | 'checkpoint' | 'reversible';
  /** Probability of dropout in every layer. */
  readonly dropout?: number;
  /** Scale of the kept stream: y1 = scale * x1 + F(x2). */
  readonly scale?: number;
}

const B = symbol('B');
const T = symbol('T');

interface LayerTensors {
  readonly key: Tensor;
  readonly rows: Tensor;
  readonly up: Tensor;
  readonly down: Tensor;
}

/** A feed-forward block with dropout, four times as wide inside: down(dropout(gelu(up(z)))). */
function block(z: Tensor, s: LayerTensors, site: string, dropout: number): Tensor {
  const hidden = t.gelu(t.matmul(z, s.up));
  const kept =
    dropout === 0
      ? hidden
      : t.mul(hidden, t.noise(s.key, s.rows, site, hidden.type.shape, { kind: 'keep', p: dropout }));
  return t.tanh(t.matmul(kept, s.down));
}

function surroundings(builder: FnBuilder, width: number): LayerTensors {
  return {
    key: builder.param('key', 'input', tensorType('u32', [2])),
    rows: builder.param('rows', 'input', tensorType('i32', [B, T])),
    up: builder.param('up', 'trainable', tensorType('f32', [width, 4 * width])),
    down: builder.param('down', 'trainable', tensorType('f32', [4 * width, width])),
  };
}

/** y1 = scale x1 + F(x2), y2 = x2 + G(y1); F and G share weights but not dropout. */
function reversiblePair(name: string, options: StackOptions): readonly [Fn, Fn] {
  const { width, dropout = 0, scale = 1 } = options;
  const rows = tensorType('f32', [B, T, width]);
  const forward = new FnBuilder();
  const [x1, x2] = [forward.param('x1', 'input', rows), forward.param('x2', 'input', rows)];
  const s = surroundings(forward, width);
  const y1 = t.add(t.mul(x1, scale), block(x2, s, `${name}/f`, dropout));
  const y2 = t.add(x2, block(y1, s, `${name}/g`, dropout));
  const back = new FnBuilder();
  const [z1, z2] = [back.param('y1', 'input', rows), back.param('y2', 'input', rows)];
  const b = surroundings(back, width);
  const r2 = t.sub(z2, block(z1, b, `${name}/g`, dropout));
  const r1 = t.mul(t.sub(z1, block(r2, b, `${name}/f`, dropout)), 1 / scale);
  const fn = forward.finish(name, [
    { name: 'y1', value: y1 },
    { name: 'y2', value: y2 },
  ]);
  const inverse = back.finish(`${name}Inverse`, [
    { name: 'x1', value: r1 },
    { name: 'x2', value: r2 },
  ]);
  return [fn, inverse];
}

function plainLayer(name: string, { width, dropout = 0 }: StackOptions): Fn {
  const builder = new FnBuilder();
  const x = builder.param('x', 'input', tensorType('f32', [B, T, width]));
  const s = surroundings(builder, width);
  const middle = t.add(x, block(x, s, `${name}/a`, dropout));
  const y = t.add(middle, block(middle, s, `${name}/b`, dropout));
  return builder.finish(name, [{ name: 'y', value: y }]);
}

/** A stack with a loss: every layer a function of its own, since sites of noise are. Trainables `layers/i/up` and `down`. */
export function stackProgram(options: StackOptions): Program {
  const { layers, width } = options;
  const main = new FnBuilder();
  const x = main.param('x', 'input', tensorType('f32', [B, T, width]));
  const key = main.param('key', 'input', tensorType('u32', [2]));
  const rows = main.param('rows', 'input', tensorType('i32', [B, T]));
  const functions: Fn[] = [];
  let streams: readonly Tensor[] = options.region === 'reversible' ? [x, x] : [x];
  for (let i = 0; i < layers; i++) {
    const up = main.param(`layers/${i}/up`, 'trainable', tensorType('f32', [width, 4 * width]));
    const down = main.param(`layers/${i}/down`, 'trainable', tensorType('f32', [4 * width, width]));
    const made =
      options.region === 'reversible' ? reversiblePair(`pair${i}`, options) : [plainLayer(`layer${i}`, options)];
    functions.push(...made);
    const region: Region =
      options.region === 'reversible'
        ? { kind: 'reversible', inverse: `pair${i}Inverse`, streams: 2 }
        : { kind: options.region };
    streams = main.call(made[0], `layer${i}`, [...streams, key, rows, up, down], region);
  }
  const out = streams.reduce((a, b) => t.add(a, b));
  const loss = t.mean(t.mul(out, out), [-3, -2, -1]);
  const fn = main.finish('main', [{ name: 'loss', value: loss }]);
  return {
    symbols: [
      { name: 'B', min: 1, max: 64 },
      { name: 'T', min: 1, max: 512 },
    ],
    functions: new Map([fn, ...functions].map((f) => [f.name, f])),
    entry: 'main',
    policy: FP32,
  };
}

export const trainablesOf = (fn: Fn): string[] => fn.params.filter((p) => p.role === 'trainable').map((p) => p.name);
