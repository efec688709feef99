/**
 * Special tokens and truncation: where the markers of a sequence or a pair stand (`[CLS] A [SEP] B [SEP]`), and how two
 * texts share a length limit. Both follow the reference library exactly.
 */
import type { PostProcessorJson, TemplateItemJson } from './tokenizerJson.ts';
import { messages, refuseTokenizer } from './messages.ts';

export type TemplatePiece =
  | { readonly kind: 'special'; readonly id: number; readonly typeId: number }
  | { readonly kind: 'sequence'; readonly which: 'A' | 'B'; readonly typeId: number };

export interface Template {
  readonly single: readonly TemplatePiece[];
  readonly pair: readonly TemplatePiece[];
}

const A: TemplatePiece = { kind: 'sequence', which: 'A', typeId: 0 };
const special = (id: number, typeId: number): TemplatePiece => ({ kind: 'special', id, typeId });
const second = (typeId: number): TemplatePiece => ({ kind: 'sequence', which: 'B', typeId });

/** No special tokens; the second text has type 1. */
const PLAIN: Template = { single: [A], pair: [A, second(1)] };

/** The template of a post-processor. In a `Sequence` at most one member may place tokens. Throws a `UserError` otherwise. */
export function templateOf(json: PostProcessorJson | null, file: string): Template {
  if (json === null) return PLAIN;
  switch (json.type) {
    case 'ByteLevel':
      return PLAIN;
    case 'BertProcessing': {
      const cls = special(json.cls[1], 0);
      const sep = json.sep[1];
      return { single: [cls, A, special(sep, 0)], pair: [cls, A, special(sep, 0), second(1), special(sep, 1)] };
    }
    case 'RobertaProcessing': {
      // RoBERTa has one segment: every type is 0, also of the second text.
      const cls = special(json.cls[1], 0);
      const sep = special(json.sep[1], 0);
      return { single: [cls, A, sep], pair: [cls, A, sep, sep, second(0), sep] };
    }
    case 'TemplateProcessing': {
      const expand = (item: TemplateItemJson): readonly TemplatePiece[] => {
        if ('Sequence' in item) return [{ kind: 'sequence', which: item.Sequence.id, typeId: item.Sequence.type_id }];
        const ids = json.special_tokens.get(item.SpecialToken.id);
        if (ids === undefined) {
          return refuseTokenizer(
            file,
            messages.template(`unknown special token ${JSON.stringify(item.SpecialToken.id)}`),
          );
        }
        return ids.map((tokenId) => special(tokenId, item.SpecialToken.type_id));
      };
      const template = { single: json.single.flatMap(expand), pair: json.pair.flatMap(expand) };
      const places = (pieces: readonly TemplatePiece[]): string =>
        pieces.map((piece) => (piece.kind === 'sequence' ? piece.which : '')).join('');
      if (places(template.single) !== 'A' || places(template.pair) !== 'AB') {
        refuseTokenizer(file, messages.template('a text is missing, repeated or out of order'));
      }
      return template;
    }
    case 'Sequence': {
      const placing = json.processors.map((part) => templateOf(part, file)).filter((part) => part !== PLAIN);
      if (placing.length > 1) refuseTokenizer(file, messages.template('several post-processors place special tokens'));
      return placing[0] ?? PLAIN;
    }
  }
}

export function specialCount(pieces: readonly TemplatePiece[]): number {
  return pieces.filter((piece) => piece.kind === 'special').length;
}

/**
 * How many tokens two texts of `a` and `b` tokens keep under `budget` ("longest first" of the reference): only the longer
 * one is cut while that suffices, then both to half, the odd token going to the longer one, or to the second in a tie.
 */
export function longestFirst(a: number, b: number, budget: number): readonly [number, number] {
  if (a + b <= budget) return [a, b];
  const swapped = a > b;
  let short = swapped ? b : a;
  let long = short > budget ? short : Math.max(short, budget - short);
  if (short + long > budget) {
    short = Math.floor(budget / 2);
    long = short + (budget % 2);
  }
  return swapped ? [long, short] : [short, long];
}
