/** The explicit list of all nodes that Espalier ships. */
import { adapter, adapterInput } from './adapters/bottleneck.ts';
import { average, delta, fusion, gate, multiply, scalearn, scaleNode, sourceBank } from './adapters/composition.ts';
import { dora, lora } from './adapters/lora.ts';
import { prefix, prefixMlp, softPrompt } from './adapters/prompts.ts';
import { bitfit, ia3, lnTuning, unfreeze } from './adapters/selective.ts';
import {
  activation,
  addNode,
  attentionNode,
  dropLeading,
  dropoutNode,
  firstToken,
  frozenAffine,
  norm,
  split3,
} from './layers/basic.ts';
import {
  binaryCrossEntropy,
  classificationHead,
  crossEntropyLoss,
  meanSquaredError,
  output,
  robertaHead,
} from './layers/heads.ts';
import { bertEmbeddings, embedding, labelsInput, tokensInput } from './layers/inputs.ts';
import { linear } from './layers/linear.ts';

export const NODES = [
  tokensInput,
  labelsInput,
  bertEmbeddings,
  embedding,
  linear,
  addNode,
  norm,
  frozenAffine,
  activation,
  dropoutNode,
  attentionNode,
  firstToken,
  dropLeading,
  split3,
  lora,
  dora,
  ia3,
  bitfit,
  unfreeze,
  lnTuning,
  adapter,
  adapterInput,
  softPrompt,
  prefix,
  prefixMlp,
  sourceBank,
  fusion,
  scalearn,
  average,
  gate,
  multiply,
  scaleNode,
  delta,
  classificationHead,
  robertaHead,
  crossEntropyLoss,
  meanSquaredError,
  binaryCrossEntropy,
  output,
] as const;

export { bertGraph, type BertConfig, type Task } from './backbones/bert.ts';
export { applyPreset, presetNames, PRESETS } from './presets/index.ts';
export { BACKBONE_FAMILIES, longestText, readBertConfig, type BackboneFacts } from './backbones/readConfig.ts';
export { plainGraph } from './backbones/plainGraph.ts';
export { fitHead, headTask } from './backbones/fitHead.ts';
export { textLimits } from './backbones/textLimits.ts';
