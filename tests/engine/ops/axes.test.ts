/**
 * The `axes` rule of every op, checked by moving numbers. Soundness: where an output axis is linked to an input axis, an
 * input element at one index there never reaches an output element at another index, not by a bit. Completeness: what is
 * not linked really mixes in some case. Merged leading axes give the same numbers.
 */
import { describe, expect, it } from 'vitest';
import type { Dim } from '../../../engine/ir/dim.ts';
import type { OpName } from '../../../engine/ir/opAttrs.ts';
import { tensorType } from '../../../engine/ir/types.ts';
import { forEachIndex } from '../../../engine/ops/ndarray.ts';
import type { AxisLinks, NDArray } from '../../../engine/ops/rule.ts';
import { inferTypes, OP_NAMES, ruleOf } from '../../../engine/ops/table.ts';
import { randomArray, relativeError, testRandom } from '../../support/arrays.ts';
import { caseInputs, OP_CASES, type OpCaseEntry } from '../../support/opCases.ts';

const evaluate = (entry: OpCaseEntry, inputs: readonly NDArray[]): NDArray[] =>
  ruleOf(entry.op).reference(entry.attrs, inputs, new Map());

function linksOf(entry: OpCaseEntry, inputs: readonly NDArray[]): AxisLinks {
  const types = inputs.map((x) => tensorType(x.dtype, x.shape));
  return ruleOf(entry.op).axes(entry.attrs, types, inferTypes(entry.op, entry.attrs, types));
}

/** The input with everything at `index` of `axis` drawn anew; undefined where the case leaves no other value. */
function redrawn(entry: OpCaseEntry, input: number, x: NDArray, axis: number, at: number, round: number): NDArray {
  const spec = entry.inputs[input]!;
  const fresh = randomArray(testRandom('redraw', entry.op, entry.index, input, round), { ...spec, increasing: false });
  const data = Float64Array.from(x.data);
  forEachIndex(x.shape, (index, flat) => {
    if (index[axis] === at) data[flat] = fresh.data[flat] as number;
  });
  return { ...x, data };
}

/** Whether a drawn index is one that a program could hold: `pack` and `unpack` take different positions in order. */
const isValid = (entry: OpCaseEntry, input: number, x: NDArray): boolean =>
  entry.inputs[input]!.increasing !== true || x.data.every((v, i) => i === 0 || v > (x.data[i - 1] as number));

/** Whether some output element off index `at` of `axis` differs. */
function reachesElsewhere(before: NDArray, after: NDArray, axis: number, at: number): boolean {
  let reached = false;
  forEachIndex(before.shape, (index, flat) => {
    if (index[axis] !== at && !Object.is(before.data[flat], after.data[flat])) reached = true;
  });
  return reached;
}

const ROUNDS = 6;

/** Whether an element of `input` at one index of axis `j` reaches another index of the output's axis. */
function mixes(entry: OpCaseEntry, inputs: readonly NDArray[], output: number, axis: number, input: number, j: number) {
  const x = inputs[input] as NDArray;
  const before = evaluate(entry, inputs)[output] as NDArray;
  for (let at = 0; at < (x.shape[j] as number); at++) {
    for (let round = 0; round < ROUNDS; round++) {
      const moved = redrawn(entry, input, x, j, at, round);
      if (!isValid(entry, input, moved)) continue;
      const after = evaluate(
        entry,
        inputs.map((y, i) => (i === input ? moved : y)),
      )[output] as NDArray;
      if (reachesElsewhere(before, after, axis, at)) return true;
    }
  }
  return false;
}

/** Unlinked axes that never mix, and why the rule is right to leave them so. */
const UNLINKED: ReadonlyMap<OpName, string> = new Map([
  ['barrier', 'the second input orders the computation and gives no numbers'],
  ['reshape', 'an axis that is split or merged has no single axis on the other side'],
  ['pack', 'the rows of x belong to the layout of the index'],
  ['unpack', 'the rows of x belong to the layout of the index'],
]);

describe('linked axes are independent', () => {
  it.each(OP_CASES.filter((e) => e.inputs.length > 0))('$label', (entry) => {
    const inputs = caseInputs(entry);
    const links = linksOf(entry, inputs);
    const outputs = evaluate(entry, inputs);
    expect(links.length).toBe(outputs.length);
    links.forEach((axes, output) => {
      expect(axes.length).toBe(outputs[output]!.shape.length);
      axes.forEach((perInput, axis) => {
        expect(perInput.length).toBe(inputs.length);
        perInput.forEach((j, input) => {
          if (j === null) return;
          expect(inputs[input]!.shape[j]).toBe(outputs[output]!.shape[axis]);
          expect(mixes(entry, inputs, output, axis, input, j)).toBe(false);
        });
      });
    });
  });
});

describe('axes that are not linked mix', () => {
  it.each(OP_NAMES.filter((op) => ruleOf(op).cases.some((c) => c.inputs.length > 0) && !UNLINKED.has(op)))(
    '%s',
    (op) => {
      // Per (output, axis from the end, input, its axis from the end): did it mix in some case?
      const seen = new Map<string, boolean>();
      for (const entry of OP_CASES.filter((e) => e.op === op)) {
        const inputs = caseInputs(entry);
        linksOf(entry, inputs).forEach((axes, output) =>
          axes.forEach((perInput, axis) =>
            perInput.forEach((link, input) => {
              const out = evaluate(entry, inputs)[output] as NDArray;
              const x = inputs[input] as NDArray;
              if (link !== null || (out.shape[axis] as number) < 2) return;
              x.shape.forEach((size, j) => {
                if (size !== out.shape[axis]) return;
                const key = `output ${output} axis ${axis - out.shape.length} input ${input} axis ${j - x.shape.length}`;
                seen.set(key, (seen.get(key) ?? false) || mixes(entry, inputs, output, axis, input, j));
              });
            }),
          ),
        );
      }
      expect([...seen].filter(([, mixed]) => !mixed).map(([key]) => key)).toEqual([]);
    },
  );
});

const mergeTwo = (x: NDArray): NDArray => ({
  ...x,
  shape: [(x.shape[0] as number) * (x.shape[1] as number), ...x.shape.slice(2)],
});

/** A case whose two leading axes run independently in every output, along the two leading axes of some input. */
function mergeable(entry: OpCaseEntry): boolean {
  const inputs = caseInputs(entry);
  return linksOf(entry, inputs).every((axes) => {
    const [rows, columns] = axes;
    if (!rows || !columns) return false;
    const both = inputs.map((_x, i) => rows[i] === 0 && columns[i] === 1);
    const neither = inputs.map((_x, i) => rows[i] === null && columns[i] === null);
    return (
      inputs.every((_x, i) => both[i] === true || neither[i] === true) && (inputs.length === 0 || both.includes(true))
    );
  });
}

/** Ops that never work token by token, so that nothing is to be merged. */
const WHOLE: readonly OpName[] = ['dimension', 'iota', 'scatterAdd', 'pack', 'unpack', 'tokenMask', 'attention'];

describe('merged leading axes', () => {
  const entries = OP_CASES.filter(mergeable);

  it.each(entries)('$label', (entry) => {
    const inputs = caseInputs(entry);
    const links = linksOf(entry, inputs);
    const want = evaluate(entry, inputs);
    const rows: Dim = (want[0]!.shape[0] as number) * (want[0]!.shape[1] as number);
    const merged = inputs.map((x, i) => (links[0]![0]![i] === 0 ? mergeTwo(x) : x));
    const rule = ruleOf(entry.op);
    const attrs = rule.mergeLeading ? rule.mergeLeading(entry.attrs, rows) : entry.attrs;
    const got = evaluate({ ...entry, attrs }, merged);
    want.forEach((y, i) => expect(relativeError(got[i] as NDArray, mergeTwo(y))).toBe(0));
    const types = inferTypes(
      entry.op,
      attrs,
      merged.map((x) => tensorType(x.dtype, x.shape)),
    );
    expect(types.map((t) => t.shape)).toEqual(want.map((y) => mergeTwo(y).shape));
  });

  it('are tried for every op that works token by token', () => {
    const tried = new Set(entries.map((e) => e.op));
    expect(OP_NAMES.filter((op) => !tried.has(op)).sort()).toEqual([...WHOLE].sort());
  });
});
