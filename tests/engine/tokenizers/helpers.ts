/** Tokenizer folders for the tests of this folder. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { starterModelFolder } from '../../support/starter.ts';

export interface TemporaryFolders {
  readonly path: string;
  /** A folder with the given tokenizer.json (text or value) and tokenizer_config.json. */
  readonly make: (name: string, tokenizer: unknown, config?: unknown) => string;
  /** The starter's tokenizer with other settings in tokenizer_config.json. */
  readonly starterWith: (name: string, config: unknown) => string;
  readonly remove: () => void;
}

export function temporaryFolders(): TemporaryFolders {
  const path = mkdtempSync(join(tmpdir(), 'espalier-tokenizer-'));
  const folder = (name: string): string => {
    const made = join(path, name);
    mkdirSync(made, { recursive: true });
    return made;
  };
  return {
    path,
    make: (name, tokenizer, config) => {
      const made = folder(name);
      const text = typeof tokenizer === 'string' ? tokenizer : JSON.stringify(tokenizer);
      writeFileSync(join(made, 'tokenizer.json'), text);
      if (config !== undefined) writeFileSync(join(made, 'tokenizer_config.json'), JSON.stringify(config));
      return made;
    },
    starterWith: (name, config) => {
      const made = folder(name);
      cpSync(join(starterModelFolder(), 'tokenizer.json'), join(made, 'tokenizer.json'));
      writeFileSync(join(made, 'tokenizer_config.json'), JSON.stringify(config));
      return made;
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** GPT-2's letters for the 256 bytes: printable bytes stand for themselves, the others for letters from U+0100 on. */
function byteLetters(): readonly string[] {
  const printable = (b: number): boolean => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, b) => String.fromCharCode(printable(b) ? b : next++));
}

/** A byte-level BPE tokenizer with RoBERTa's template, whose merges are the most frequent pairs of `texts`. */
export function robertaLike(texts: readonly string[], merges: number, addPrefixSpace: boolean): unknown {
  const letters = byteLetters();
  const words = new Map<string, number>();
  for (const text of texts) {
    for (const word of text.match(/ ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+/gu) ?? []) {
      const key = Array.from(Buffer.from(word), (b) => letters[b]).join(' ');
      words.set(key, (words.get(key) ?? 0) + 1);
    }
  }
  let split = [...words].map(([key, count]) => ({ parts: key.split(' '), count }));
  const made: [string, string][] = [];
  for (let m = 0; m < merges; m++) {
    const pairs = new Map<string, number>();
    for (const { parts, count } of split) {
      for (let i = 0; i + 1 < parts.length; i++) {
        const pair = `${parts[i]} ${parts[i + 1]}`;
        pairs.set(pair, (pairs.get(pair) ?? 0) + count);
      }
    }
    const best = [...pairs].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0];
    if (best === undefined) break;
    const [left, right] = best[0].split(' ') as [string, string];
    made.push([left, right]);
    split = split.map(({ parts, count }) => {
      const joined: string[] = [];
      for (let i = 0; i < parts.length; i++) {
        const isPair = parts[i] === left && parts[i + 1] === right;
        joined.push(isPair ? left + right : (parts[i] as string));
        if (isPair) i += 1;
      }
      return { parts: joined, count };
    });
  }
  const special = ['<s>', '<pad>', '</s>', '<unk>', '<mask>'];
  const tokens = [...special, ...letters, ...made.map(([left, right]) => left + right)];
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: content === '<mask>',
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: addPrefixSpace, trim_offsets: true, use_regex: true },
    post_processor: {
      type: 'RobertaProcessing',
      sep: ['</s>', 2],
      cls: ['<s>', 0],
      trim_offsets: true,
      add_prefix_space: false,
    },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries([...new Set(tokens)].map((token, id) => [token, id])),
      merges: made.map((pair) => pair.join(' ')),
    },
  };
}

export const ROBERTA_CONFIG = {
  tokenizer_class: 'PreTrainedTokenizerFast',
  pad_token: '<pad>',
  /** As transformers 4 writes tokens with settings. */
  eos_token: {
    __type: 'AddedToken',
    content: '</s>',
    lstrip: false,
    normalized: false,
    rstrip: false,
    single_word: false,
  },
  model_max_length: 1e30,
};
