/** Everything this folder says to people, in one place. */
import { UserError, type Diagnostic } from '../base/errors.ts';

interface Problem {
  readonly code: string;
  readonly message: string;
  readonly found?: string;
  readonly fix: string;
}

const FETCH_AGAIN = 'Get the model again from its source.';

const printed = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
};

export const messages = {
  missing: (reason: string): Problem => ({
    code: 'tokenizer-missing',
    message: 'The tokenizer of the model cannot be read.',
    found: reason,
    fix: 'Give a model folder that holds a readable tokenizer.json (the "fast" tokenizer of Hugging Face).',
  }),
  tooLarge: (bytes: number, limit: number): Problem => ({
    code: 'tokenizer-too-large',
    message: `A tokenizer file may have ${limit} bytes at most.`,
    found: `${bytes} bytes`,
    fix: FETCH_AGAIN,
  }),
  notUtf8: (): Problem => ({
    code: 'tokenizer-encoding',
    message: 'The file is not UTF-8 text.',
    fix: FETCH_AGAIN,
  }),
  notJson: (reason: string): Problem => ({
    code: 'tokenizer-not-json',
    message: 'The file is not JSON.',
    found: reason.slice(0, 120),
    fix: FETCH_AGAIN,
  }),
  tooDeep: (depth: number, limit: number): Problem => ({
    code: 'tokenizer-too-deep',
    message: `The JSON is nested deeper than ${limit} levels, which no tokenizer needs.`,
    found: `${depth} levels`,
    fix: FETCH_AGAIN,
  }),
  shape: (path: string, reason: string): Problem => ({
    code: 'tokenizer-malformed',
    message: path === '' ? 'The file is not a tokenizer.' : `The part "${path}" of the tokenizer is malformed.`,
    found: reason.slice(0, 200),
    fix: FETCH_AGAIN,
  }),
  modelType: (type: string): Problem => ({
    code: 'tokenizer-model-unsupported',
    message: 'The tokenizer has a model of an unknown type.',
    found: printed(type),
    fix: 'Use a model whose tokenizer is WordPiece, BPE or Unigram.',
  }),
  vocabulary: (expected: string): Problem => ({
    code: 'tokenizer-vocabulary',
    message: `The vocabulary must be ${expected}.`,
    fix: FETCH_AGAIN,
  }),
  vocabularyEntry: (token: string, value: unknown): Problem => ({
    code: 'tokenizer-vocabulary',
    message: `The vocabulary has a bad value for ${printed(token)}.`,
    found: printed(value),
    fix: FETCH_AGAIN,
  }),
  idTwice: (id: number, one: string, other: string): Problem => ({
    code: 'tokenizer-id-twice',
    message: `Two tokens have the id ${id}.`,
    found: `${printed(one)} and ${printed(other)}`,
    fix: FETCH_AGAIN,
  }),
  unknownToken: (token: unknown): Problem => ({
    code: 'tokenizer-unknown-token',
    message: 'The token for unknown words is not in the vocabulary.',
    found: printed(token),
    fix: FETCH_AGAIN,
  }),
  merges: (found: string): Problem => ({
    code: 'tokenizer-merges',
    message: 'A BPE tokenizer needs a list of merges, each of two parts.',
    found,
    fix: FETCH_AGAIN,
  }),
  template: (reason: string): Problem => ({
    code: 'tokenizer-template',
    message: 'The template that places special tokens cannot be used.',
    found: reason,
    fix: 'Use a model whose tokenizer adds its special tokens by one template.',
  }),
  unsupported: (reason: string): Problem => ({
    code: 'tokenizer-unsupported',
    message: 'The tokenizer needs something that is not supported.',
    found: reason.slice(0, 200),
    fix: 'Use a model with a BERT, RoBERTa, GPT-2 or SentencePiece style tokenizer.',
  }),
  noPadToken: (): Problem => ({
    code: 'tokenizer-pad-token',
    message: 'The tokenizer names no padding token; id 0 is used, which the attention mask hides.',
    fix: 'Nothing has to be done unless the model reads padding.',
  }),
  notCompared: (part: string): Problem => ({
    code: 'tokenizer-part-not-compared',
    message: `The part ${printed(part)} of the tokenizer may split rare characters differently from Hugging Face's own.`,
    fix: 'Compare a few texts with the model in Python before you rely on equal results.',
  }),
};

/** Throws the problem as a `UserError` at `file`. */
export function refuseTokenizer(file: string, problem: Problem): never {
  throw new UserError({ severity: 'error', where: { file }, ...problem });
}

export function warnTokenizer(file: string, problem: Problem): Diagnostic {
  return { severity: 'warning', where: { file }, ...problem };
}
