/**
 * The thread of the virtual machine, asked from a compiler that cannot wait for promises: the caller sleeps until the
 * answer is there, or until the time is up; then the thread is ended, whatever it does, and the next question gets a new
 * one. The thread starts with the first question.
 */
import { receiveMessageOnPort, MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import generated from './generated/sandbox.json' with { type: 'json' };

export interface SandboxLimits {
  readonly memoryBytes: number;
  readonly stackBytes: number;
  /** After this the machine stops itself. */
  readonly milliseconds: number;
  /** After this the thread is ended. */
  readonly hardMilliseconds: number;
}

export const LIMITS: SandboxLimits = {
  memoryBytes: 64 * 2 ** 20,
  stackBytes: 256 * 1024,
  milliseconds: 1200,
  hardMilliseconds: 2300,
};

/** A machine that starts on a busy computer gets so much time on top, once. */
const START_MILLISECONDS = 8000;

interface Running {
  readonly worker: Worker;
  readonly port: MessagePort;
}

/** What came back: a text, or nothing because the time was up or the thread broke down. */
export type RawAnswer =
  { readonly kind: 'text'; readonly text: string } | { readonly kind: 'time' } | { readonly kind: 'broken' };

export class SandboxThread {
  readonly #limits: SandboxLimits;
  #running: Running | undefined;
  #questions = 0;

  constructor(limits: SandboxLimits = LIMITS) {
    this.#limits = limits;
  }

  get limits(): SandboxLimits {
    return this.#limits;
  }

  ask(question: { readonly code: string; readonly file: string; readonly request: string }): RawAnswer {
    const { port } = (this.#running ??= this.#start());
    const id = ++this.#questions;
    const flag = new SharedArrayBuffer(4);
    port.postMessage({ id, flag, ...question });
    const outcome = Atomics.wait(new Int32Array(flag), 0, 0, this.#limits.hardMilliseconds);
    if (outcome === 'timed-out') {
      this.close();
      return { kind: 'time' };
    }
    for (let m = receiveMessageOnPort(port); m !== undefined; m = receiveMessageOnPort(port)) {
      const { id: of, text } = m.message as { readonly id: number; readonly text: string };
      if (of === id) return { kind: 'text', text };
    }
    this.close();
    return { kind: 'broken' };
  }

  /** Starts the thread before the first question, which then does not wait for it. */
  start(): void {
    this.#running ??= this.#start();
  }

  /** Ends the thread; the next question starts another. */
  close(): void {
    void this.#running?.worker.terminate();
    this.#running?.port.close();
    this.#running = undefined;
  }

  #start(): Running {
    const { port1, port2 } = new MessageChannel();
    const ready = new SharedArrayBuffer(4);
    const worker = new Worker(generated.worker.join('\n'), {
      eval: true,
      env: {},
      execArgv: [],
      stdin: false,
      workerData: {
        from: import.meta.url,
        machine: generated.machine.join('\n'),
        limits: this.#limits,
        port: port2,
        ready,
      },
      transferList: [port2],
      // The machine's own stack lies in this thread's; memory of the machine itself is limited by the machine.
      resourceLimits: { stackSizeMb: 16, maxOldGenerationSizeMb: 256 },
    });
    worker.unref();
    port1.unref();
    // A thread that dies of its limits says so here; the question in flight has ended by time then.
    worker.on('error', () => this.close());
    Atomics.wait(new Int32Array(ready), 0, 0, START_MILLISECONDS);
    return { worker, port: port1 };
  }
}
