/** One custom node's source as something that answers: compiled once, asked in the virtual machine, answers kept by question. */
import type { z } from 'zod';
import { printAttrs } from '../ir/attrsText.ts';
import { readAnswer, type VmError } from './answer.ts';
import type { CompiledSource } from './compileSource.ts';
import * as messages from './messages.ts';
import { Refused } from './refused.ts';
import type { SandboxThread } from './thread.ts';
import type { VmRequest } from './wireText.ts';

/** Equal questions have equal answers, because the machine has nothing that could change. */
const MOST_KEPT = 200;

export class NodeMachine {
  readonly #thread: SandboxThread;
  readonly #compiled: CompiledSource;
  readonly #file: string;
  readonly #kept = new Map<string, string>();

  constructor(thread: SandboxThread, file: string, compiled: CompiledSource) {
    this.#thread = thread;
    this.#file = file;
    this.#compiled = compiled;
  }

  /** Throws `Refused` when the node fails or its answer is not of the form. */
  ask<S extends z.ZodType>(request: VmRequest, schema: S): z.output<S> {
    const question = printAttrs(request);
    const text = this.#kept.get(question) ?? this.#run(question);
    const answer = readAnswer(text, schema);
    if (!answer.ok) throw new Refused('own' in answer.error ? this.#failure(answer.error.own) : answer.error.refused);
    if (this.#kept.size >= MOST_KEPT) this.#kept.clear();
    this.#kept.set(question, text);
    return answer.value;
  }

  #run(request: string): string {
    const raw = this.#thread.ask({ code: this.#compiled.code, file: this.#file, request });
    switch (raw.kind) {
      case 'text':
        return raw.text;
      case 'time':
        throw new Refused(messages.tooLong(this.#thread.limits.hardMilliseconds / 1000));
      case 'broken':
        throw new Refused(messages.broken());
    }
  }

  /** The node's own error with the line of its source where it arose. */
  #failure({ message, stack, name, fix }: VmError): messages.NodeProblem {
    const line = this.#lineOf(stack);
    if (/\binterrupted\b/.test(message)) return messages.tooLong(this.#thread.limits.milliseconds / 1000);
    if (/out of memory|invalid array length/i.test(message)) return messages.tooMuchMemory();
    if (/stack overflow|call stack/i.test(message)) return messages.tooDeep(line);
    if (name === 'RuntimeError') return messages.broken();
    const said = message === '' ? `The node stopped with ${name}` : message;
    return messages.failed(/[.!?]$/.test(said) ? said : `${said}.`, fix, line);
  }

  #lineOf(stack: string): number | undefined {
    const place = stack
      .split('\n')
      .find((frame) => frame.includes(`(${this.#file}:`) || frame.includes(` ${this.#file}:`));
    const line = place === undefined ? undefined : /:(\d+)(?::\d+)?\)?\s*$/.exec(place)?.[1];
    return line === undefined ? undefined : this.#compiled.lines(Number(line));
  }
}
