/** What helper processes have in common: one question a line on standard input, one answer a line on standard output. */
import { createInterface } from 'node:readline';
import { UserError } from '../../base/errors.ts';
import { jsonLine, type CommandContext } from '../context.ts';

/** Answers by name. */
export type Operations = ReadonlyMap<string, (payload: unknown) => unknown>;

interface Question {
  readonly op?: unknown;
  readonly payload?: unknown;
}

/** Answers one question after the other until the input ends. */
export async function serveOperations(operations: Operations, context: CommandContext): Promise<void> {
  const lines = createInterface({ input: process.stdin, crlfDelay: Infinity });
  context.stop.addEventListener('abort', () => lines.close());
  for await (const text of lines) {
    if (text.trim() === '') continue;
    context.out(`${jsonLine(await answer(operations, text))}\n`);
  }
}

async function answer(operations: Operations, text: string): Promise<unknown> {
  try {
    const question = JSON.parse(text) as Question;
    const operation = operations.get(String(question.op));
    if (!operation) return { ok: false, message: `no operation "${String(question.op)}"` };
    return { ok: true, result: await operation(question.payload) };
  } catch (error) {
    if (error instanceof UserError) return { ok: false, diagnostics: error.diagnostics };
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}
