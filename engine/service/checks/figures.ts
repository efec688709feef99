/** Figures of compiled models as the page shows them: from the whole report when costs were computed, else read off the Program. */
import type { ModelFigures, NodeFigures } from '../../protocol/api/check.ts';
import type { Document } from '../../protocol/document.ts';
import type { ModelReport } from '../../compile/report.ts';
import type { CheckedModel } from '../../workflow/check.ts';
import type { FindingFigures } from '../../workflow/checkFigures.ts';

const HEAD = /^head\./;

/** Trainable numbers of the head: parameters whose path begins with a head's id. */
function headCount(
  document: Document,
  model: string,
  rows: readonly { readonly name: string; readonly count: number }[],
): number {
  const nodes = document.models[model as keyof Document['models']]?.nodes ?? {};
  const heads = new Set(Object.entries(nodes).flatMap(([id, node]) => (HEAD.test(node.type) ? [id] : [])));
  return rows.reduce((n, row) => (heads.has(row.name.split('/')[0] ?? '') ? n + row.count : n), 0);
}

const totalsOf = (
  document: Document,
  model: string,
  {
    totals,
    trainable,
  }: Pick<ModelReport, 'trainable'> & {
    readonly totals: FindingFigures['totals'];
  },
): ModelFigures['totals'] => ({
  parameters: totals.parameters,
  backbone: totals.backbone,
  trainable: totals.trainable,
  head: headCount(document, model, trainable),
  weightBytes: totals.weightBytes,
  trainingBytes: totals.trainingBytes,
});

export function costFigures(document: Document, { model, step, report }: CheckedModel): ModelFigures {
  const { sizes, totals, peakAt } = report;
  return {
    model,
    ...(step === undefined ? {} : { step }),
    nodes: report.nodes,
    trainable: report.trainable,
    totals: totalsOf(document, model, report),
    costs: {
      forwardFlops: totals.forwardFlops,
      stepFlops: totals.stepFlops,
      keptBytes: totals.keptBytes,
      peakBytes: totals.peakBytes,
      peakAt,
      predictedBytes: totals.predictedBytes,
      batch: sizes.batch,
      length: sizes.length,
    },
  };
}

export function findingFigures(document: Document, found: FindingFigures): ModelFigures {
  const nodes: readonly NodeFigures[] = found.nodes;
  return {
    model: found.model,
    ...(found.step === undefined ? {} : { step: found.step }),
    nodes,
    trainable: found.trainable,
    totals: totalsOf(document, found.model, found),
  };
}
