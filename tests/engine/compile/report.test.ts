/** What a model costs: counted by hand for small models, and in agreement with itself. */
import { describe, expect, it } from 'vitest';
import { compileModel } from '../../../engine/compile/model.ts';
import { reportModel, withoutLayer, type ModelReport } from '../../../engine/compile/report.ts';
import { trainingStep } from '../../../engine/workflow/trainingStep.ts';
import { applyPreset } from '../../../nodes/index.ts';
import { documentOf, MAIN, REGISTRY, TINY, tinyGraph } from '../../support/tinyModels.ts';

const SIZES = { batch: 4, length: 8, tokens: 20 };

function report(method: string, params: Readonly<Record<string, unknown>> = {}, sizes = SIZES): ModelReport {
  const made = applyPreset(documentOf(tinyGraph()), MAIN, method, params);
  if (!made.ok) throw new Error(made.error);
  const { compiled } = compileModel({ document: made.value, model: MAIN, registry: REGISTRY, training: true });
  if (!compiled) throw new Error('the model does not compile');
  return reportModel(compiled, sizes, trainingStep(compiled, sizes, { frozenDropout: 'keep' }));
}
const rowOf = (r: ModelReport, node: string) => {
  const found = r.nodes.find((n) => n.node === node);
  if (!found) throw new Error(`no row ${node}; there are ${r.nodes.map((n) => n.node).join(' ')}`);
  return found;
};

describe('a report', () => {
  const { width, intermediate, layers } = TINY;
  it('names nodes without their layer', () => {
    expect(withoutLayer('layers/3/query/lora')).toBe('layers/*/query/lora');
    expect(withoutLayer('head')).toBe('head');
    expect(withoutLayer('a/10')).toBe('a/*');
  });
  it('counts the products of a linear layer in all layers together', () => {
    const up = rowOf(report('head'), 'layers/*/ffn_up');
    const rows = SIZES.batch * SIZES.length;
    const product = 2 * rows * width * intermediate;
    const bias = rows * intermediate;
    expect(up).toMatchObject({ copies: layers, output: `f32[B,T,${intermediate}]`, flops: layers * (product + bias) });
    expect(up.frozen).toBe(layers * (width * intermediate + intermediate));
  });
  it('gives modules rows of their own', () => {
    const lora = rowOf(report('lora', { r: 2 }), 'layers/*/query/lora_attn_query');
    expect(lora).toMatchObject({ copies: layers, frozen: 0, trainable: layers * 2 * (width + width) });
  });
  it('has totals that are the sums of its rows', () => {
    const r = report('lora', { r: 2 });
    const sum = (key: 'frozen' | 'trainable' | 'flops' | 'keptBytes'): number =>
      r.nodes.reduce((n, row) => n + row[key], 0);
    expect(sum('trainable')).toBe(r.totals.trainable);
    expect(sum('frozen') + sum('trainable')).toBe(r.totals.parameters);
    expect(r.trainable.reduce((n, t) => n + t.count, 0)).toBe(r.totals.trainable);
    expect(sum('keptBytes')).toBe(r.totals.keptBytes);
    expect(sum('flops')).toBeLessThanOrEqual(r.totals.forwardFlops);
    expect(r.totals.weightBytes).toBe(4 * sum('frozen'));
  });
  it('counts a weight whose place a trainable parameter takes once, as trainable', () => {
    const [frozen, unfrozen] = [report('head').totals, report('unfreeze').totals];
    const linear = layers * (4 * (width * width + width) + 2 * width * intermediate + width + intermediate);
    expect(unfrozen.trainable - frozen.trainable).toBe(linear);
    expect(unfrozen.parameters).toBe(frozen.parameters);
    expect(unfrozen.backbone).toBe(frozen.backbone);
    expect(frozen.backbone).toBe(frozen.parameters - frozen.trainable);
    expect(unfrozen.weightBytes).toBe(frozen.weightBytes - 4 * linear);
    expect(rowOf(report('unfreeze'), 'layers/*/ffn_up').frozen).toBe(0);
  });
  it('keeps nothing of the layers below the first module', () => {
    const top = report('lora', { layers: '-1..' });
    expect(top.totals.keptBytes).toBeLessThan(report('lora').totals.keptBytes / 2);
    expect(report('head').totals.keptBytes).toBeLessThan(top.totals.keptBytes);
  });
  it('grows with the batch', () => {
    const [small, large] = [report('lora'), report('lora', {}, { batch: 8, length: 8, tokens: 40 })];
    expect(large.totals.peakBytes).toBeGreaterThan(1.8 * small.totals.peakBytes);
    expect(large.totals.stepFlops).toBeGreaterThan(1.8 * small.totals.stepFlops);
    expect(large.totals.trainable).toBe(small.totals.trainable);
  });
  it('tells weight decay', () => {
    const rows = new Map(report('lora').trainable.map((t) => [t.name, t.decay]));
    expect(rows.get('layers/0/query/lora_attn_query/A')).toBe(true);
    expect(rows.get('head/out.bias')).toBe(false);
  });
});
