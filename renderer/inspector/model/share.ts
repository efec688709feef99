/** The trainable share as one sentence: the head apart, because it is no part of the backbone. */
import type { ModelFigures } from '../../../engine/protocol/api/check.ts';
import { formatCount, formatShare } from '../../ui/format.ts';

/** `73,728 trainable = 0.32 % of the backbone (+770 head)` */
export function shareText({ trainable, head, backbone }: ModelFigures['totals']): string {
  const modules = trainable - head;
  const share = backbone === 0 ? '' : ` = ${formatShare(modules / backbone)} of the backbone`;
  return `${formatCount(modules)} trainable${share}${head === 0 ? '' : ` (+${formatCount(head)} head)`}`;
}
