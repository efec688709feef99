/** The one definition of the trainable share: parameters that train outside the head, over those of the backbone. */
import type { ModelFigures } from '../../engine/protocol/api/check.ts';

export interface Share {
  /** Trainable parameters without the head's. */
  readonly trainable: number;
  readonly head: number;
  readonly backbone: number;
}

export const shareOf = ({ totals }: Pick<ModelFigures, 'totals'>): Share => ({
  trainable: totals.trainable - totals.head,
  head: totals.head,
  backbone: totals.backbone,
});

const count = (n: number): string => n.toLocaleString('en-US');

/** `0.32 %`; what is not zero is never shown as zero. */
export function percentWords(share: number): string {
  const percent = share * 100;
  if (percent === 0) return '0 %';
  if (percent < 0.01) return '< 0.01 %';
  return `${percent >= 10 ? percent.toFixed(1) : percent.toFixed(2)} %`;
}

/** `73,728 trainable = 0.32 % of the backbone (+770 head)` */
export function shareWords({ trainable, head, backbone }: Share): string {
  const share = backbone > 0 ? ` = ${percentWords(trainable / backbone)} of the backbone` : '';
  return `${count(trainable)} trainable${share}${headWords(head)}`;
}

/** `73,728 trainable, 0.32 % (+770 head)`: for the status bar. */
export function shortShareWords({ trainable, head, backbone }: Share): string {
  const share = backbone > 0 ? `, ${percentWords(trainable / backbone)}` : '';
  return `${count(trainable)} trainable${share}${headWords(head)}`;
}

const headWords = (head: number): string => (head > 0 ? ` (+${count(head)} head)` : '');
