/** What the service and a worker that checks say to each other. */
import type { CheckPhase, CheckView } from '../../protocol/api/check.ts';
import type { Patch } from '../../protocol/api/patch.ts';
import type { Document } from '../../protocol/document.ts';

export interface CheckRequest {
  readonly id: number;
  readonly project: string;
  /** Name of the document's file, for places of findings. */
  readonly file: string;
  readonly folder: string;
  readonly home: string;
  readonly revision: number;
  readonly phase: CheckPhase;
  /** The whole document, or the patches that make it of the one that the worker has. */
  readonly content:
    | { readonly kind: 'whole'; readonly document: Document }
    | { readonly kind: 'patches'; readonly from: number; readonly patches: readonly Patch[] };
}

export type ToWorker =
  | { readonly kind: 'check'; readonly request: CheckRequest }
  /** Models of the store have changed: backbones are opened anew. */
  | { readonly kind: 'forget' };

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'checked'; readonly id: number; readonly view: CheckView }
  /** The worker does not have the revision that the patches build on. */
  | { readonly kind: 'unknown'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string };
