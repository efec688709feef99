/**
 * The process that runs our side of a comparison: a document through `runWorkflow`, as `espalier run` does. After each
 * turn it stands still in the listener of the training step until the next line comes, so that a step is measured whole:
 * batch, feeds, noise, forward, backward, clipping, AdamW, the metrics line.
 */
import { readFileSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { UserError, formatDiagnostic } from '../../engine/base/errors.ts';
import { makeToolkit } from '../../engine/cli/toolkit.ts';
import { runWorkflow, type WorkflowEvent } from '../../engine/workflow/execute.ts';
import { loadDocument } from '../../engine/workflow/loadDocument.ts';

/** A `kB` field of /proc/self/status in bytes. */
function status(field: string): number {
  const line = readFileSync('/proc/self/status', 'utf8')
    .split('\n')
    .find((l) => l.startsWith(`${field}:`));
  return Number(line?.split(/\s+/)[1] ?? NaN) * 1024;
}

/** Resident memory above that of the idle process: everything imported, nothing loaded. */
class Memory {
  readonly #idle = status('VmRSS');

  constructor() {
    // Sets the kernel's high-water mark to the present size.
    writeFileSync('/proc/self/clear_refs', '5');
  }

  report(): Record<string, number> {
    const peak = status('VmHWM');
    return {
      idle_rss_bytes: this.#idle,
      peak_rss_bytes: peak,
      peak_above_idle_bytes: peak - this.#idle,
      file_rss_bytes: status('RssFile'),
      anonymous_rss_bytes: status('RssAnon'),
    };
  }
}

const answer = (value: unknown): void => void writeSync(1, `${JSON.stringify(value)}\n`);

/** The next line of standard input; waits for it without giving way. Undefined at the end. */
function readLine(): string | undefined {
  const byte = Buffer.alloc(1);
  const bytes: number[] = [];
  for (;;) {
    let count: number;
    try {
      count = readSync(0, byte, 0, 1, null);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
      continue;
    }
    if (count === 0) return undefined;
    if (byte[0] === 10) return Buffer.from(bytes).toString('utf8');
    bytes.push(byte[0] as number);
  }
}

class Turns {
  readonly #memory: Memory;
  #left: number;
  #warm = false;
  #from = performance.now();
  #seconds: number[] = [];
  #fill: { from: number; to: number } | undefined;

  constructor(memory: Memory, warmup: number) {
    this.#memory = memory;
    this.#left = warmup;
  }

  event(event: WorkflowEvent): void {
    if (event.kind === 'finding') process.stderr.write(`${formatDiagnostic(event.diagnostic)}\n`);
    if (event.kind !== 'train') return;
    const now = performance.now();
    if (event.event.kind === 'progress') this.#fill = { from: this.#fill?.from ?? now, to: now };
    if (event.event.kind !== 'step') return;
    this.#seconds.push((now - this.#from) / 1000);
    this.#left -= 1;
    if (this.#left <= 0) this.#wait();
    this.#from = performance.now();
  }

  #wait(): void {
    answer(this.#warm ? { seconds: this.#seconds } : { ready: true });
    this.#warm = true;
    this.#seconds = [];
    for (;;) {
      const line = readLine();
      if (line === undefined) process.exit(0);
      const request = JSON.parse(line) as { readonly steps?: number; readonly report?: boolean };
      if (request.report === true) {
        const fill = this.#fill === undefined ? {} : { fill_seconds: (this.#fill.to - this.#fill.from) / 1000 };
        answer({ ...this.#memory.report(), ...fill });
        continue;
      }
      this.#left = request.steps ?? 1;
      return;
    }
  }
}

/** `--child steps DOCUMENT OUT WARMUP` */
export async function stepsChild([file = '', out = '', warmup = '3']: readonly string[]): Promise<void> {
  const toolkit = makeToolkit();
  const turns = new Turns(new Memory(), Number(warmup));
  const { loaded, diagnostics } = loadDocument(file, toolkit.registry);
  if (!loaded || diagnostics.some((d) => d.severity === 'error')) throw new UserError(diagnostics);
  await runWorkflow(loaded, toolkit, {
    out,
    resume: false,
    device: 'auto',
    signal: new AbortController().signal,
    onEvent: (event) => turns.event(event),
  });
}
