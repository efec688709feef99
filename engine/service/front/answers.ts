/**
 * Answers by idempotency key, so that a command that was sent twice is run once: the second gets the first answer, also
 * while the first still runs. The memory is bounded in number and size; what still runs is never forgotten.
 */
import { REFUSALS } from '../problems.ts';

export interface KeptAnswer {
  readonly status: number;
  /** The body as JSON text. */
  readonly text: string;
}

export interface Answers {
  /** @param content the command and its parameters as text; the same key with another content is refused */
  readonly once: (key: string, content: string, work: () => Promise<KeptAnswer>) => Promise<KeptAnswer>;
}

interface Entry {
  readonly content: string;
  readonly answer: Promise<KeptAnswer>;
  /** Of the answer, once there is one. */
  bytes: number | undefined;
}

export function createAnswers({ most = 4000, mostBytes = 64 * 2 ** 20 } = {}): Answers {
  const entries = new Map<string, Entry>();
  let bytes = 0;
  const trim = (): void => {
    for (const [key, entry] of entries) {
      if (entries.size <= most && bytes <= mostBytes) return;
      if (entry.bytes === undefined) continue;
      entries.delete(key);
      bytes -= entry.bytes;
    }
  };
  return {
    once: (key, content, work) => {
      const known = entries.get(key);
      if (known) return known.content === content ? known.answer : Promise.reject(REFUSALS.keyReused());
      const entry: Entry = { content, answer: work(), bytes: undefined };
      entries.set(key, entry);
      const settle = (size: number): void => {
        entry.bytes = size;
        bytes += size;
        trim();
      };
      entry.answer.then(
        ({ text }) => settle(text.length),
        () => settle(0),
      );
      return entry.answer;
    },
  };
}
