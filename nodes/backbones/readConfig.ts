/**
 * From a Hugging Face `config.json` and the names of a checkpoint's tensors to what the BERT family needs. Foreign values
 * are checked one by one; what the layers of this program could not reproduce exactly is refused, with all reasons at once.
 * The graph itself is made in `bert.ts`; whether the tensors have the right shapes is checked when the model is compiled.
 */
import type { Diagnostic } from '../../engine/base/errors.ts';
import { fail, ok, type Result } from '../../engine/base/result.ts';
import type { BertConfig } from './bert.ts';

/** A checkpoint as far as its architecture is read from it. `tensorNames` are current names (no `LayerNorm.gamma`). */
export interface BackboneFacts {
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensorNames: ReadonlySet<string>;
}

interface Family {
  /** `model_type` values of `config.json`. */
  readonly modelTypes: readonly string[];
  readonly family: BertConfig['family'];
  /** Prefixes under which a checkpoint may hold the bare model. */
  readonly prefixes: readonly string[];
}

/** The architectures that can be opened as layers. */
export const BACKBONE_FAMILIES = [
  { modelTypes: ['bert'], family: 'bert', prefixes: ['', 'bert.'] },
  { modelTypes: ['roberta', 'xlm-roberta', 'camembert'], family: 'roberta', prefixes: ['', 'roberta.'] },
] as const satisfies readonly Family[];

const families: readonly Family[] = BACKBONE_FAMILIES;

const ACTIVATION_OF: ReadonlyMap<string, BertConfig['activation']> = new Map([
  ['gelu', 'gelu'],
  ['gelu_python', 'gelu'],
  ['gelu_new', 'gelu_new'],
  ['gelu_pytorch_tanh', 'gelu_new'],
  ['relu', 'relu'],
  ['silu', 'silu'],
  ['swish', 'silu'],
]);

/** Reads the configuration. Fails with every reason why this checkpoint cannot be opened as layers. */
export function readBertConfig({ config, tensorNames }: BackboneFacts): Result<BertConfig, readonly Diagnostic[]> {
  const family = families.find((f) => f.modelTypes.some((t) => t === config['model_type']));
  if (!family) {
    const known = families.flatMap((f) => f.modelTypes).join(', ');
    return fail([
      problem(
        'backbone-family',
        'This architecture cannot be opened as layers.',
        `Choose a model of type ${known}.`,
        shown(config['model_type']),
      ),
    ]);
  }
  const read = new ConfigReader(config);
  const width = read.whole('hidden_size');
  const heads = read.whole('num_attention_heads');
  const dropout = read.probability('hidden_dropout_prob', 0.1);
  const made = {
    family: family.family,
    vocabulary: read.whole('vocab_size'),
    width,
    layers: read.whole('num_hidden_layers'),
    heads,
    intermediate: read.whole('intermediate_size'),
    activation: read.activation(),
    dropout,
    attentionDropout: read.probability('attention_probs_dropout_prob', 0.1),
    classifierDropout: read.probability('classifier_dropout', dropout),
    positions: read.whole('max_position_embeddings'),
    types: read.whole('type_vocab_size', 2),
    epsilon: read.positive('layer_norm_eps', 1e-12),
  };
  if (width % heads !== 0) read.refuse('num_attention_heads', 'a divisor of "hidden_size"', heads);
  read.only('position_embedding_type', 'absolute');
  read.only('is_decoder', false);
  read.only('add_cross_attention', false);
  // Positions of RoBERTa begin after the padding id, which is 1 in every released model.
  if (family.family === 'roberta') read.only('pad_token_id', 1);
  const prefix = family.prefixes.find((p) => tensorNames.has(`${p}embeddings.word_embeddings.weight`));
  if (prefix === undefined) read.problems.push(noEmbeddings(family, tensorNames));
  if (read.problems.length > 0 || prefix === undefined) return fail(read.problems);
  return ok({ ...made, prefix, hasPooler: tensorNames.has(`${prefix}pooler.dense.weight`) });
}

/** Tokens that a text may have: RoBERTa's first two position rows are not for tokens. */
export const longestText = (c: Pick<BertConfig, 'family' | 'positions'>): number =>
  c.family === 'roberta' ? c.positions - 2 : c.positions;

const problem = (code: string, message: string, fix: string, found?: string): Diagnostic => ({
  code,
  severity: 'error',
  message,
  where: { file: 'config.json' },
  fix,
  ...(found === undefined ? {} : { found }),
});

function noEmbeddings(family: Family, names: ReadonlySet<string>): Diagnostic {
  const wanted = family.prefixes.map((p) => `"${p}embeddings.word_embeddings.weight"`).join(' or ');
  const some = [...names].slice(0, 3).join(', ');
  return problem(
    'backbone-prefix',
    `The checkpoint has no tensor ${wanted}.`,
    'Choose a checkpoint of the type that its config.json names.',
    `${names.size} tensors, such as ${some}`,
  );
}

function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** The largest size that a field may name: far above every released model, far below what overflows. */
const LARGEST = 2 ** 24;

/** Reads fields and keeps what is wrong; a field that is wrong reads as 1, so that all problems are found. */
class ConfigReader {
  readonly problems: Diagnostic[] = [];
  readonly #config: Readonly<Record<string, unknown>>;

  constructor(config: Readonly<Record<string, unknown>>) {
    this.#config = config;
  }

  refuse(field: string, rule: string, found: unknown): number {
    const fix = 'Choose another model: the layers of this program would give other numbers than its own code.';
    this.problems.push(problem('backbone-config', `"${field}" must be ${rule}.`, fix, shown(found)));
    return 1;
  }

  whole(field: string, fallback?: number): number {
    const value = this.#config[field] ?? fallback;
    const fits = typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= LARGEST;
    return fits ? value : this.refuse(field, `a whole number from 1 to ${LARGEST}`, value);
  }

  positive(field: string, fallback: number): number {
    const value = this.#config[field] ?? fallback;
    return typeof value === 'number' && value > 0 && value < 1 ? value : this.refuse(field, 'between 0 and 1', value);
  }

  probability(field: string, fallback: number): number {
    const value = this.#config[field] ?? fallback;
    const fits = typeof value === 'number' && value >= 0 && value < 1;
    return fits ? value : this.refuse(field, 'a probability of 0 or more and below 1', value);
  }

  activation(): BertConfig['activation'] {
    const name = this.#config['hidden_act'] ?? 'gelu';
    const found = typeof name === 'string' ? ACTIVATION_OF.get(name) : undefined;
    if (found === undefined) this.refuse('hidden_act', `one of ${[...ACTIVATION_OF.keys()].join(', ')}`, name);
    return found ?? 'gelu';
  }

  only(field: string, value: string | number | boolean): void {
    const found = this.#config[field];
    if (found !== undefined && found !== null && found !== value) this.refuse(field, JSON.stringify(value), found);
  }
}
