/** The shapes of backbones that several tests use. */
import type { BertConfig } from '../../nodes/index.ts';

/** all-MiniLM-L6-v2: the starter model. */
export const MINILM: BertConfig = {
  family: 'bert',
  prefix: '',
  hasPooler: true,
  vocabulary: 30522,
  width: 384,
  layers: 6,
  heads: 12,
  intermediate: 1536,
  activation: 'gelu',
  dropout: 0.1,
  attentionDropout: 0.1,
  classifierDropout: 0.1,
  positions: 512,
  types: 2,
  epsilon: 1e-12,
};
