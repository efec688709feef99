/** How long a text may be for a model, and the number of its first position: read from the embeddings of its graph. */
import { effectiveParams, type Document, type Node } from '../../engine/protocol/document.ts';
import { entriesOf, type ModelId, type NodeId } from '../../engine/protocol/ids.ts';

export interface TextLimits {
  /** Row of the position table that the first token gets: 0 for BERT, 2 for RoBERTa. */
  readonly firstPosition: number;
  /** Tokens that fit beside a soft prompt, special ones included. */
  readonly longest: number;
}

/** The limits of the first embeddings node; none of its own when the model has no embeddings. */
export function textLimits(document: Document, model: ModelId): TextLimits {
  const nodes = entriesOf<NodeId, Node>(document.models[model]?.nodes ?? {}).map(([, n]) => n);
  const embeddings = nodes.find((n) => n.type === 'bert.embeddings');
  if (!embeddings) return { firstPosition: 0, longest: 4096 };
  const number = (node: Node, param: string, fallback: number): number =>
    Number(effectiveParams(document, node)[param] ?? fallback);
  const firstPosition = number(embeddings, 'firstPosition', 0);
  const prompts = nodes.filter((n) => n.type === 'peft.prompt' && n.mute !== true);
  const used = prompts.reduce((n, p) => n + number(p, 'size', 10), 0);
  return { firstPosition, longest: number(embeddings, 'positions', 512) - firstPosition - used };
}
