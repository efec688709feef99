/**
 * Which files of a model folder Espalier keeps. Everything else of a repository (other formats, images, code) is left
 * out.
 */
import { CONFIG_FILE, INDEX_FILE, TOKENIZER_FILE, WEIGHTS_FILE } from './checkpoint.ts';

/** Kept when they are there. */
const OPTIONAL_FILES = [
  'tokenizer_config.json',
  'special_tokens_map.json',
  'vocab.txt',
  'README.md',
  'LICENSE',
] as const;

export interface ModelFileChoice {
  /** Small files, in a fixed order. */
  readonly small: readonly string[];
  /** The one weights file, or the index that names the shards. */
  readonly weights: { readonly kind: 'single' | 'sharded'; readonly name: string } | undefined;
  readonly hasConfig: boolean;
  readonly hasTokenizer: boolean;
}

/** Chooses among the names that a folder, an archive or a repository has. A single weights file goes before shards. */
export function chooseModelFiles(available: ReadonlySet<string>): ModelFileChoice {
  const small = [CONFIG_FILE, TOKENIZER_FILE, ...OPTIONAL_FILES].filter((name) => available.has(name));
  const weights = available.has(WEIGHTS_FILE)
    ? ({ kind: 'single', name: WEIGHTS_FILE } as const)
    : available.has(INDEX_FILE)
      ? ({ kind: 'sharded', name: INDEX_FILE } as const)
      : undefined;
  return { small, weights, hasConfig: available.has(CONFIG_FILE), hasTokenizer: available.has(TOKENIZER_FILE) };
}

/** The licence in the front matter of a model card (`license: apache-2.0` between two `---` lines), or undefined. */
export function licenceOfCard(card: string): string | undefined {
  const front = /^\ufeff?---\r?\n([\s\S]{0,20000}?)\r?\n---\s*(?:\r?\n|$)/.exec(card);
  const line = front === null ? null : /^license:[ \t]*(\S[^\r\n]{0,100})$/m.exec(front[1]!);
  const licence = line?.[1]?.trim().replace(/^(["'])(.*)\1$/, '$2');
  return licence === undefined || licence === '' ? undefined : licence;
}
