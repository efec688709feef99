/**
 * Shapes and parameter counts of a compiled model without its costs. They are read off the functions of the Program, once
 * per function: what an edit did not touch is the same function object, so the figures of large stacks follow an edit at
 * once. The whole report (`compile/report.ts`) gives the same rows with FLOPs and bytes.
 */
import { must } from '../base/errors.ts';
import { withoutLayer, type ModelReport, type NodeCost } from '../compile/report.ts';
import { isOfBackbone, type CompiledModel, type EntryParameter } from '../compile/model.ts';
import { evaluateDim } from '../ir/dim.ts';
import type { Fn, Program } from '../ir/program.ts';
import { elementsOf, printShape, printType } from '../ir/types.ts';
import type { ModelId } from '../protocol/ids.ts';

export interface FindingFigures {
  readonly step: string | undefined;
  readonly model: ModelId;
  readonly nodes: readonly Pick<NodeCost, 'node' | 'copies' | 'output' | 'frozen' | 'trainable'>[];
  readonly trainable: ModelReport['trainable'];
  readonly totals: Pick<
    ModelReport['totals'],
    'parameters' | 'backbone' | 'trainable' | 'weightBytes' | 'trainingBytes'
  >;
}

/** What a function's nodes give, by path within the function, with `*` for the layer. */
type Outputs = ReadonlyMap<string, { readonly copies: number; readonly output: string }>;

/** Kept between checks of one session; entries go when their functions go. */
export type FigureMemo = WeakMap<Fn, Outputs>;

const join = (path: string, site: string): string => (path === '' ? site : site === '' ? path : `${path}/${site}`);

function outputsOf(program: Program, name: string, memo: FigureMemo): Outputs {
  const fn = must(program.functions.get(name), `function ${name}`);
  const known = memo.get(fn);
  if (known) return known;
  const rows = new Map<string, { copies: number; output: string }>();
  const put = (path: string, copies: number, output: string, adds: boolean): void => {
    const before = rows.get(path)?.copies ?? 0;
    rows.set(path, { copies: adds ? before + copies : Math.max(before, copies), output });
  };
  for (const instr of fn.body) {
    const first = fn.values.get(must(instr.outputs[0], 'an output'));
    if (instr.kind === 'op') {
      if (first) put(first.path ?? '', 1, printType(first.type), false);
    } else if (instr.kind === 'call') {
      for (const [path, row] of outputsOf(program, instr.fn, memo)) {
        put(join(instr.site, path), row.copies, row.output, false);
      }
    } else {
      const bodies = new Map<string, number>();
      for (const body of instr.bodies) bodies.set(body, (bodies.get(body) ?? 0) + 1);
      for (const [body, count] of bodies) {
        for (const [path, row] of outputsOf(program, body, memo)) {
          put(join(`${instr.site}/*`, path), count * row.copies, row.output, true);
        }
      }
      // What layers collect is stacked by the stack itself.
      const collected = instr.outputs[instr.outputs.length - 1];
      const last = collected === undefined ? undefined : fn.values.get(collected);
      if (last && instr.outputs.length > instr.carry.length) put(instr.site, 1, printType(last.type), false);
    }
  }
  memo.set(fn, rows);
  return rows;
}

const NO_SYMBOLS: ReadonlyMap<string, number> = new Map();
const countOf = (p: EntryParameter): number => evaluateDim(elementsOf(p.type), NO_SYMBOLS);

interface Row {
  readonly copies: number;
  readonly output: string;
  frozen: number;
  trainable: number;
}

export function findingFigures(
  compiled: CompiledModel,
  model: ModelId,
  step: string | undefined,
  memo: FigureMemo,
): FindingFigures {
  const rows = new Map<string, Row>();
  for (const [path, { copies, output }] of outputsOf(compiled.program, compiled.program.entry, memo)) {
    if (path !== '') rows.set(withoutLayer(path), { copies, output, frozen: 0, trainable: 0 });
  }
  const owner = (path: string): Row => {
    const parts = withoutLayer(path).split('/');
    for (let n = parts.length - 1; n > 0; n--) {
      const row = rows.get(parts.slice(0, n).join('/'));
      if (row) return row;
    }
    const made: Row = { copies: 0, output: '', frozen: 0, trainable: 0 };
    rows.set(parts.slice(0, -1).join('/'), made);
    return made;
  };
  let weights = 0;
  let backbone = 0;
  const trainable: ModelReport['trainable'][number][] = [];
  for (const p of compiled.parameters) {
    if (p.role !== 'weight' && p.role !== 'trainable') continue;
    const count = countOf(p);
    if (isOfBackbone(p)) backbone += count;
    if (p.onlyInitial === true) continue;
    owner(p.path)[p.role === 'weight' ? 'frozen' : 'trainable'] += count;
    if (p.role === 'weight') weights += count;
    else trainable.push({ name: p.name, shape: printShape(p.type.shape), count, decay: p.decay === true });
  }
  const trained = trainable.reduce((n, t) => n + t.count, 0);
  return {
    step,
    model,
    nodes: [...rows].map(([node, row]) => ({ node, ...row })),
    trainable,
    totals: {
      parameters: weights + trained,
      backbone,
      trainable: trained,
      weightBytes: 4 * weights,
      trainingBytes: 16 * trained,
    },
  };
}
