/** Exported code of programs that no node made: every case of every op, and random programs with calls, stacks and regions. */
import { join } from 'node:path';
import { mkdirSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { differentiate } from '../../../../engine/autodiff/gradient.ts';
import { exportTorch } from '../../../../engine/backends/torch/export.ts';
import type { TorchSource } from '../../../../engine/backends/torch/source.ts';
import { must } from '../../../../engine/base/errors.ts';
import type { OpAttrs } from '../../../../engine/ir/opAttrs.ts';
import type { Fn, Instr, Program } from '../../../../engine/ir/program.ts';
import type { NDArray } from '../../../../engine/ops/rule.ts';
import { inlineProgram } from '../../../../engine/passes/inline.ts';
import { FnBuilder, typeIn } from '../../../../engine/tracing/builder.ts';
import { entryOf, runProgram, type Feeds } from '../../../support/gradients.ts';
import { caseProgram, OP_CASES } from '../../../support/opCases.ts';
import { randomProgram } from '../../../support/programs.ts';
import { maxAbs, parityError, readTensors, writeTensors, type TensorToWrite } from '../../../support/tensors.ts';
import { newFolder, runCases } from './harness.ts';

const folder = newFolder();
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A program whose entry calls the given one as its model, with every result an output. */
function asModel(program: Program, wrt: readonly string[]): TorchSource {
  const entry = entryOf(program);
  const names = entry.results.map((r) => r.name);
  const role = (name: string, declared: Fn['params'][number]['role']) =>
    wrt.includes(name) ? ('trainable' as const) : declared;
  const model: Fn = {
    ...entry,
    name: 'Model',
    params: entry.params.map((p) => ({ ...p, role: role(p.name, p.role) })),
    results: entry.results.map((r) => ({ ...r, name: `output/${r.name}` })),
  };
  const builder = new FnBuilder();
  const inputs = model.params.map((p) => builder.param(p.name, p.role, typeIn(model, p.id)));
  const outputs = builder.call(model, '', inputs, { kind: 'plain' });
  const main = builder.finish(
    'main',
    names.map((n, i) => ({ name: `output/${n}`, value: must(outputs[i], n) })),
  );
  const functions = new Map([...program.functions].filter(([n]) => n !== entry.name));
  functions.set('Model', model).set('main', main);
  const parameters = model.params.map((p) => {
    const source = p.role === 'weight' ? { source: { artifact: 'backbone', tensor: p.name } } : {};
    return { name: p.name, path: p.name, role: p.role, type: typeIn(model, p.id), ...source };
  });
  return { program: { ...program, functions, entry: 'main' }, parameters, losses: [], outputs: names };
}

/** Noise that keeps everything: PyTorch's own generator draws others. */
function withoutNoise(program: Program): Program {
  const quiet = (instr: Instr): Instr => {
    if (instr.kind !== 'op') return instr.region.kind === 'customVjp' ? { ...instr, region: { kind: 'plain' } } : instr;
    return instr.op === 'noise'
      ? { ...instr, attrs: { ...(instr.attrs as OpAttrs['noise']), distribution: { kind: 'keep', p: 0 } } }
      : instr;
  };
  const functions = [...program.functions].map(([n, fn]) => [n, { ...fn, body: fn.body.map(quiet) }] as const);
  return { ...program, functions: new Map(functions) };
}

interface Prepared {
  readonly label: string;
  readonly want: Feeds;
  readonly request: Readonly<Record<string, unknown>>;
}

const DTYPES = { f32: 'F32', f16: 'F32', bf16: 'F32', i32: 'I64', u32: 'I64', bool: 'BOOL' } as const;

let made = 0;
/** Writes code and tensors; `wrt` are differentiated in the output `total`. */
function prepareCase(label: string, program: Program, feeds: Feeds, total: string, wrt: readonly string[]): Prepared {
  const at = join(folder, String(made++));
  mkdirSync(at, { recursive: true });
  const source = asModel(program, wrt);
  const [file] = exportTorch(source, at);
  const path = (name: string): string => join(at, `${name}.safetensors`);
  const write = (name: string, roles: readonly string[]): void => {
    const chosen = source.parameters.filter((p) => roles.includes(p.role));
    const tensor = (x: NDArray): TensorToWrite => ({ shape: x.shape, data: x.data, dtype: DTYPES[x.dtype] });
    writeTensors(path(name), new Map(chosen.map((p) => [p.name, tensor(must(feeds.get(p.name), p.name))])));
  };
  write('inputs', ['input']);
  write('checkpoint', ['weight']);
  write('adapter', ['trainable']);
  const flat = inlineProgram(program);
  const { program: differentiated } = wrt.length === 0 ? { program: flat } : differentiate(flat, { of: total, wrt });
  const request = {
    file,
    total,
    inputs: path('inputs'),
    checkpoint: path('checkpoint'),
    adapter: path('adapter'),
    out: path('out'),
    dtype: 'float64',
  };
  return { label, want: runProgram(differentiated, feeds), request };
}

/** The largest distance of an output or a gradient, relative to the largest entry of its kind. */
function worstOf({ want, request }: Prepared): { readonly error: number; readonly name: string } {
  const got = readTensors(String(request['out']));
  let worst = { error: 0, name: '' };
  for (const [name, x] of want) {
    const theirs = got.get(name.replace(/^grad\//, 'gradient/')) ?? (want.size === 1 ? got.get('output') : undefined);
    const shape = x.shape;
    const error = parityError(
      must(theirs, name),
      { shape, data: x.data },
      Math.max(1, maxAbs({ shape, data: x.data })),
      1,
    );
    if (error > worst.error) worst = { error, name };
  }
  return worst;
}

/** Attention weights times factors that are no dropout noise: PyTorch's attention has no place for them. */
const isUnsupported = (c: (typeof OP_CASES)[number]): boolean => c.op === 'attention' && c.inputs.length > 4;

test('what PyTorch has no form for is refused in words', () => {
  for (const entry of OP_CASES.filter(isUnsupported)) {
    const { program } = caseProgram(entry);
    expect(() => exportTorch(asModel(program, []), join(folder, 'refused'))).toThrow(/torch-attention/);
  }
});

describe('every case of every op', () => {
  const entries = OP_CASES.filter((c) => c.op !== 'noise' && !isUnsupported(c));
  const cases: Prepared[] = [];
  beforeAll(() => {
    for (const entry of entries) {
      const { program, feeds, hasTotal } = caseProgram(entry);
      const wrt = hasTotal
        ? entryOf(program)
            .params.filter((p) => p.role === 'trainable')
            .map((p) => p.name)
        : [];
      cases.push(prepareCase(entry.label, program, feeds, hasTotal ? 'total' : 'y0', wrt));
    }
    runCases(cases);
  }, 120_000);

  test.each(entries.map((e, i) => [e.label, i] as const))('%s', (_label, i) => {
    const worst = worstOf(must(cases[i], 'a case'));
    expect(worst.error, worst.name).toBeLessThan(1e-5);
  });
});

describe('random programs', () => {
  const seeds = Array.from({ length: 12 }, (_, i) => i);
  const cases: Prepared[] = [];
  beforeAll(() => {
    for (const seed of seeds) {
      const { program, feeds, wrt } = randomProgram(seed, { cuts: seed % 2 === 0 });
      const trainable = wrt.filter((name) => name !== 'x' && name !== 'vector');
      cases.push(prepareCase(`random ${seed}`, withoutNoise(program), feeds, 'loss', trainable));
    }
    runCases(cases);
  }, 120_000);

  test.each(seeds)('seed %i', (seed) => {
    const worst = worstOf(must(cases[seed], 'a case'));
    expect(worst.error, worst.name).toBeLessThan(1e-5);
  });
});
