/** How a trainable parameter starts. Plain data: the engine computes the values once per run and every backend loads them. */

export type InitSpec =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'normal'; readonly mean: number; readonly std: number }
  /** Normal with values outside of +-limit drawn again. */
  | { readonly kind: 'truncatedNormal'; readonly std: number; readonly limit: number }
  | { readonly kind: 'uniform'; readonly low: number; readonly high: number }
  /** `diagonal` on the diagonal of a matrix, `rest` elsewhere. */
  | { readonly kind: 'diagonal'; readonly diagonal: number; readonly rest: number }
  /** A copy of the frozen weight of this local name: BitFit, LayerNorm tuning, unfreezing. */
  | { readonly kind: 'copy'; readonly weight: string }
  /** Euclidean norm of each output row of the frozen weight `[out, in]` of this local name: DoRA's magnitude. */
  | { readonly kind: 'rowNorm'; readonly weight: string; readonly inputAxis: 0 | 1 }
  /** Rows of the frozen table of this local name, drawn without repeats from the first `among` rows: soft prompts. */
  | { readonly kind: 'sampleRows'; readonly weight: string; readonly among: number };

export const zeros: InitSpec = { kind: 'constant', value: 0 };
export const ones: InitSpec = { kind: 'constant', value: 1 };
export const normal = (std: number, mean = 0): InitSpec => ({ kind: 'normal', mean, std });
/** U(-1/sqrt(fanIn), +1/sqrt(fanIn)): PyTorch's `kaiming_uniform(a = sqrt 5)` of a linear layer. */
export const kaimingUniform = (fanIn: number): InitSpec => ({
  kind: 'uniform',
  low: -1 / Math.sqrt(fanIn),
  high: 1 / Math.sqrt(fanIn),
});
/** The weights of BERT's own initialiser: N(0, 0.02^2). */
export const bertNormal: InitSpec = normal(0.02);
