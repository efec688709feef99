/**
 * The thread that runs the virtual machine, one new machine per question: no state passes from one to the next, so that a
 * node is a pure function of its inputs. The machine has no function of the host, no clock and no random numbers. Its
 * limits catch what can be caught from inside; the owner of the thread ends it when an answer takes too long.
 */
import { createRequire } from 'node:module';
import { workerData, type MessagePort } from 'node:worker_threads';
import type * as QuickJs from 'quickjs-emscripten';

interface WorkerData {
  /** A path from which the package is found. */
  readonly from: string;
  /** The source of `vm/main.ts`, bundled. */
  readonly machine: string;
  readonly limits: { readonly memoryBytes: number; readonly stackBytes: number; readonly milliseconds: number };
  readonly port: MessagePort;
  /** Set when the thread can answer. */
  readonly ready: SharedArrayBuffer;
}
interface Question {
  readonly id: number;
  readonly flag: SharedArrayBuffer;
  readonly code: string;
  readonly file: string;
  readonly request: string;
}

const { from, machine, limits, port, ready } = workerData as WorkerData;
const quickjs = createRequire(from)('quickjs-emscripten') as typeof QuickJs;

/** What a pure function has no use for, or what would make two builds differ. */
const WITHOUT = `
delete Math.random; delete globalThis.WeakRef; delete globalThis.FinalizationRegistry; delete globalThis.Date;
delete globalThis.SharedArrayBuffer; delete globalThis.Atomics; delete globalThis.navigator; delete globalThis.performance;
`;

function call(
  context: QuickJs.QuickJSContext,
  f: QuickJs.QuickJSHandle,
  ...args: readonly QuickJs.QuickJSHandle[]
): string {
  const result = context.callFunction(f, context.undefined, ...args);
  return context.getString(context.unwrapResult(result));
}

/** The answer as text; throws when the machine stopped. Handles are not disposed: the whole machine is dropped. */
async function answer({ code, file, request }: Question): Promise<string> {
  const module = await quickjs.newQuickJSWASMModule();
  const runtime = module.newRuntime();
  runtime.setMemoryLimit(limits.memoryBytes);
  runtime.setMaxStackSize(limits.stackBytes);
  runtime.setInterruptHandler(quickjs.shouldInterruptAfterDeadline(Date.now() + limits.milliseconds));
  const context = runtime.newContext({
    intrinsics: {
      BaseObjects: true,
      Eval: true,
      StringNormalize: true,
      RegExp: true,
      RegExpCompiler: true,
      JSON: true,
      MapSet: true,
      TypedArrays: true,
      BigInt: true,
      Proxy: true,
      Promise: true,
      Date: false,
    },
  });
  context.unwrapResult(context.evalCode(WITHOUT, 'prepare.js'));
  context.unwrapResult(context.evalCode(machine, 'espalier.js'));
  const ask = context.getProp(context.global, 'espalierAnswer');
  context.unwrapResult(context.evalCode('delete globalThis.espalierAnswer', 'prepare.js'));
  const load = context.unwrapResult(context.evalCode(`(function (exports, require) {${code}\n})`, file));
  return call(context, ask, load, context.newString(request));
}

const words = (x: unknown): string => (typeof x === 'string' ? x : '');

/** An error inside of the machine, or of the machine, as an answer of the form that `vm/main.ts` gives. */
function failed(error: unknown): string {
  const e = error as { readonly message?: unknown; readonly stack?: unknown; readonly name?: unknown };
  const { cause } = error as { readonly cause?: { readonly stack?: unknown } };
  const stack = words(cause?.stack) || words(e.stack);
  return JSON.stringify({ error: { message: words(e.message), stack, name: words(e.name) } });
}

function signal(flag: SharedArrayBuffer): void {
  Atomics.store(new Int32Array(flag), 0, 1);
  Atomics.notify(new Int32Array(flag), 0);
}

port.on('message', (question: Question) => {
  void answer(question)
    .catch(failed)
    .then((text) => {
      port.postMessage({ id: question.id, text });
      signal(question.flag);
    });
});
// The first machine compiles the package's code, which later ones share.
void quickjs.newQuickJSWASMModule().finally(() => signal(ready));
