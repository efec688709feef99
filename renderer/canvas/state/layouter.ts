/** Runs ELK in a worker. Cancelling ends the worker, since a layout that has begun cannot be interrupted otherwise. */
import ELK from 'elkjs/lib/elk-api.js';
import workerUrl from 'elkjs/lib/elk-worker.min.js?url';
import type { RunElk } from '../model/layoutGraph.ts';

export interface Layouter {
  readonly run: RunElk;
  readonly cancel: () => void;
}

export class LayoutCancelled extends Error {
  override readonly name = 'LayoutCancelled';
}

export function createLayouter(): Layouter {
  let elk: InstanceType<typeof ELK> | undefined;
  let stop: ((reason: LayoutCancelled) => void) | undefined;
  return {
    run: async (graph) => {
      elk ??= new ELK({ workerFactory: () => new Worker(workerUrl) });
      const cancelled = new Promise<never>((_, reject) => {
        stop = reject;
      });
      // ELK writes into the graph that it is given.
      return Promise.race([elk.layout(structuredClone(graph) as never), cancelled]);
    },
    cancel: () => {
      elk?.terminateWorker();
      elk = undefined;
      stop?.(new LayoutCancelled('The layout was cancelled.'));
    },
  };
}
