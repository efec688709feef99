/** Every case of every op, its gradient and the gradient of its gradient: `onnx` against `reference` on the same inputs. */
import { describe, expect, it } from 'vitest';
import { differentiate } from '../../../../engine/autodiff/gradient.ts';
import type { Program } from '../../../../engine/ir/program.ts';
import { OP_NAMES } from '../../../../engine/ops/table.ts';
import { LOWERINGS } from '../../../../engine/backends/onnx/table.ts';
import { randomArray, relativeError, testRandom } from '../../../support/arrays.ts';
import { runProgram, withInnerProduct, type Feeds } from '../../../support/gradients.ts';
import { caseProgram, floatInputs, OP_CASES, type OpCaseEntry } from '../../../support/opCases.ts';
import type { NDArray } from '../../../../engine/ops/rule.ts';
import { rounded, runOnnx, withExecutable } from '../support.ts';

/** Some roundings of f32 (2^-24 = 6e-8 each); results are about 1 in size, where larger the error is relative. */
const TOLERANCE = 3e-6;

async function expectAgreement(program: Program, feeds: Feeds): Promise<void> {
  const inputs = rounded(feeds);
  const want = runProgram(program, inputs);
  const got = await withExecutable(program, {}, (executable) => runOnnx(executable, inputs));
  expect([...got.keys()]).toEqual([...want.keys()]);
  for (const [name, y] of want) {
    const error = relativeError(got.get(name) as NDArray, y);
    expect(error, `${name}: got ${String(got.get(name)?.data)}, want ${String(y.data)}`).toBeLessThan(TOLERANCE);
  }
}

const hasGradient = (entry: OpCaseEntry): boolean => floatInputs(entry).length > 0 && caseProgram(entry).hasTotal;

describe('every op', () => {
  it.each(OP_NAMES)('%s has a lowering', (op) => {
    expect(LOWERINGS[op]).toBeDefined();
  });

  it.each(OP_CASES)('$label', async (entry) => {
    const { program, feeds } = caseProgram(entry);
    await expectAgreement(program, feeds);
  });

  it.each(OP_CASES.filter(hasGradient))('$label: first and second gradient', async (entry) => {
    const { program, feeds } = caseProgram(entry);
    const wrt = floatInputs(entry);
    const first = differentiate(program, { of: 'total', wrt }).program;
    const gradients = wrt.map((name) => `grad/${name}`);
    const inner = withInnerProduct(first, 'inner', gradients);
    const random = testRandom('directions', entry.label);
    const directions = wrt.map((name) => {
      const { shape } = feeds.get(name) as NDArray;
      return [`grad/${name}/direction`, randomArray(random, { shape })] as const;
    });
    const second = differentiate(inner, { of: 'inner', wrt, prefix: 'grad2/' }).program;
    await expectAgreement(second, new Map([...feeds, ...directions]));
  });
});
