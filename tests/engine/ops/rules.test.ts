/** The behaviour list that every op passes in every case: types, first and second derivatives, decomposition. */
import { describe, expect, it } from 'vitest';
import { differentiate } from '../../../engine/autodiff/gradient.ts';
import { tensorType, printType } from '../../../engine/ir/types.ts';
import type { NDArray } from '../../../engine/ops/rule.ts';
import { inferTypes, OP_NAMES, ruleOf } from '../../../engine/ops/table.ts';
import { verifyProgram } from '../../../engine/ops/verify.ts';
import { randomArray, relativeError, testRandom } from '../../support/arrays.ts';
import { entryOf, finiteDifferences, runProgram, withInnerProduct, type Feeds } from '../../support/gradients.ts';
import { caseInputs, caseProgram, floatInputs, OP_CASES, type Form, type OpCaseEntry } from '../../support/opCases.ts';

/** Inputs in which an op is defined to have no gradient although its value moves with them. */
const CUT: ReadonlyMap<string, string> = new Map([['stopGradient', 'cuts the gradient on purpose']]);

const FORMS: readonly Form[] = ['op', 'decomposed'];
const decomposes = (entry: OpCaseEntry): boolean => ruleOf(entry.op).decompose !== undefined;
const withForms = OP_CASES.flatMap((entry) =>
  FORMS.filter((form) => form === 'op' || decomposes(entry)).map((form) => ({
    ...entry,
    form,
    label: `${entry.label} (${form})`,
  })),
);
const differentiable = withForms.filter(
  (e) => floatInputs(e).length > 0 && caseProgram(e, e.form).hasTotal && !CUT.has(e.op),
);

const resultOf = (results: Feeds, name: string): NDArray => results.get(name) as NDArray;

/** Random directions for the gradients of `wrt`. */
function directions(feeds: Feeds, wrt: readonly string[]): Feeds {
  const random = testRandom('directions');
  return new Map(
    wrt.map((name) => [`grad/${name}/direction`, randomArray(random, { shape: resultOf(feeds, name).shape })]),
  );
}

describe('every op', () => {
  it.each(OP_NAMES)('%s has cases and a documented meaning', (op) => {
    expect(ruleOf(op).cases.length).toBeGreaterThan(0);
    expect(ruleOf(op).doc).toMatch(/\S/);
  });

  it.each(OP_CASES)('$label: inferred types are those of the reference', (entry) => {
    const inputs = caseInputs(entry);
    const types = inferTypes(
      entry.op,
      entry.attrs,
      inputs.map((x) => tensorType(x.dtype, x.shape)),
    );
    const outputs = ruleOf(entry.op).reference(entry.attrs, inputs, new Map());
    expect(outputs.map((y) => printType(tensorType(y.dtype, y.shape)))).toEqual(types.map(printType));
    for (const y of outputs) expect(y.data.every((v) => Number.isFinite(v))).toBe(true);
  });

  it.each(OP_CASES.filter(decomposes))('$label: the decomposition gives the same numbers', (entry) => {
    const whole = caseProgram(entry, 'op');
    const parts = caseProgram(entry, 'decomposed');
    const want = runProgram(whole.program, whole.feeds);
    const got = runProgram(parts.program, parts.feeds);
    for (const [name, y] of want) expect(relativeError(resultOf(got, name), y)).toBeLessThan(1e-12);
  });
});

describe('first derivative', () => {
  it.each(differentiable)('$label', (entry) => {
    const { program, feeds } = caseProgram(entry, entry.form);
    const wrt = floatInputs(entry);
    const gradient = differentiate(program, { of: 'total', wrt }).program;
    verifyProgram(gradient);
    const results = runProgram(gradient, feeds);
    for (const name of wrt) {
      const numeric = finiteDifferences(program, feeds, 'total', name);
      expect(relativeError(resultOf(results, `grad/${name}`), numeric)).toBeLessThan(1e-8);
    }
  });

  it.each([...CUT.keys()])('%s gives zeros', (op) => {
    const entry = OP_CASES.find((e) => e.op === op)!;
    const { program, feeds } = caseProgram(entry);
    const results = runProgram(differentiate(program, { of: 'total', wrt: ['x0'] }).program, feeds);
    expect([...resultOf(results, 'grad/x0').data].every((v) => v === 0)).toBe(true);
  });
});

describe('second derivative: reverse over reverse', () => {
  it.each(differentiable)('$label', (entry) => {
    const { program, feeds } = caseProgram(entry, entry.form);
    // The weights of the sum are differentiated too: the gradient is linear in them.
    const weights = [...feeds.keys()].filter((k) => k.startsWith('w'));
    const wrt = floatInputs(entry);
    const first = differentiate(program, { of: 'total', wrt }).program;
    const inner = withInnerProduct(
      first,
      'inner',
      wrt.map((name) => `grad/${name}`),
    );
    const all = new Map([...feeds, ...directions(feeds, wrt)]);
    const second = differentiate(inner, { of: 'inner', wrt: [...wrt, ...weights], prefix: 'grad2/' }).program;
    verifyProgram(second);
    const results = runProgram(second, all);
    for (const name of [...wrt, ...weights]) {
      const numeric = finiteDifferences(inner, all, 'inner', name);
      expect(relativeError(resultOf(results, `grad2/${name}`), numeric)).toBeLessThan(1e-7);
    }
  });
});

describe('a gradient that nobody wants', () => {
  it.each(differentiable.filter((e) => floatInputs(e).length > 1))('$label: is not computed', (entry) => {
    const { program } = caseProgram(entry, entry.form);
    const sizes = (wrt: readonly string[]): number =>
      entryOf(differentiate(program, { of: 'total', wrt }).program).body.length;
    const all = floatInputs(entry);
    for (const name of all) expect(sizes([name])).toBeLessThanOrEqual(sizes(all));
  });
});
