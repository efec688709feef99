/** The line of text under a rack: what the layer computes with its modules, in the order in which they are applied. */
import type { Document, Node } from '../../../engine/protocol/document.ts';
import type { LayerRange } from '../../../engine/protocol/selection.ts';
import { effectiveParams } from '../../../engine/protocol/document.ts';
import type { Attachment } from './attachments.ts';
import type { TypeIndex } from './catalog.ts';
import { presenceOf, shownNumber, shownValue, type ShownLayer } from './layers.ts';

interface Terms {
  /** The weight so far, and whether it is a sum that needs brackets as a factor. */
  readonly weight: string;
  readonly sum: boolean;
  readonly bias: boolean;
}

const bracket = (t: Terms): string => (t.sum ? `(${t.weight})` : t.weight);

export interface FormulaContext {
  readonly document: Document;
  readonly types: TypeIndex;
  readonly range: LayerRange | undefined;
  readonly layer: ShownLayer;
}

/** `W′ = W + 2·B·A`; empty when no module is active in the layer that is shown. */
export function rackFormula(rack: readonly Attachment[], context: FormulaContext): string {
  const active = rack.filter(({ node }) => {
    const presence = presenceOf(node, context.range, context.layer);
    return !presence.ghost && !presence.muted;
  });
  if (active.length === 0) return '';
  if (active.every((a) => a.edge.to.port === 'affine')) {
    const train = active.map((a) => valueOf(a.node, 'train', 'both', context))[0] ?? 'both';
    return train === 'scale' ? 'y = γ′ ⊙ x̂ + β' : train === 'shift' ? 'y = γ ⊙ x̂ + β′' : 'y = γ′ ⊙ x̂ + β′';
  }
  const end = active.reduce<Terms>((t, a) => step(t, a.node, context), { weight: 'W', sum: false, bias: false });
  const weight = end.weight === 'W' ? '' : `W′ = ${end.weight}`;
  const bias = end.bias ? 'b′ = b + Δb' : '';
  return [weight, bias].filter((x) => x !== '').join(',  ');
}

function valueOf(node: Node, param: string, fallback: string, { document, range, layer }: FormulaContext): string {
  const value = effectiveParams(document, node)[param];
  return value === undefined ? fallback : shownValue(value, range, layer);
}

function step(t: Terms, node: Node, context: FormulaContext): Terms {
  switch (node.type) {
    case 'peft.lora':
      return { ...t, weight: `${t.weight} + ${scale(node, context)}B·A`, sum: true };
    case 'peft.dora':
      return { ...t, weight: `DoRA(${t.weight} + ${scale(node, context)}B·A)`, sum: false };
    case 'peft.ia3':
      return valueOf(node, 'on', 'output', context) === 'input'
        ? { ...t, weight: `${bracket(t)} · diag(l)`, sum: false }
        : { ...t, weight: `diag(l) · ${bracket(t)}`, sum: false, bias: t.bias };
    case 'peft.bitfit':
      return { ...t, bias: true };
    case 'peft.unfreeze':
      return { weight: 'W + ΔW', sum: true, bias: true };
    default:
      return { ...t, weight: `${context.types.node(node.type)?.title ?? node.type}(${t.weight})`, sum: false };
  }
}

/** The factor of a low-rank update with its dot; nothing for 1, `s·` where layers differ. */
function scale(node: Node, { document, types, range, layer }: FormulaContext): string {
  const number = (param: string): number | undefined => {
    const spec = types.node(node.type)?.params[param];
    const fallback = spec !== undefined && 'min' in spec ? spec.default : undefined;
    return shownNumber(document, node, param, fallback, range, layer);
  };
  const rank = number('rank');
  const alpha = number('alpha');
  const rooted = effectiveParams(document, node)['rslora'] === true;
  if (rank === undefined || alpha === undefined || rank <= 0) return 's·';
  const value = alpha / (rooted ? Math.sqrt(rank) : rank);
  return value === 1 ? '' : `${Number(value.toPrecision(3))}·`;
}
