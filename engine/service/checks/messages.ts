/** What the service and a worker that checks say to each other. */
import type { Diagnostic } from '../../base/errors.ts';
import type { CheckPhase, CheckView } from '../../protocol/api/check.ts';
import type { CommandResult } from '../../protocol/api/commands.ts';
import type { Patch } from '../../protocol/api/patch.ts';
import type { Document } from '../../protocol/document.ts';

export type ModelCode = CommandResult<'project.code'>;

export interface CheckRequest {
  readonly id: number;
  readonly project: string;
  /** Name of the document's file, for places of findings. */
  readonly file: string;
  readonly folder: string;
  readonly home: string;
  /** The folder that documents may read from beside their own. */
  readonly workspace: string;
  readonly revision: number;
  /** A check, or the code of a model. */
  readonly wanted: { readonly kind: CheckPhase } | { readonly kind: 'code'; readonly model: string };
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
  | { readonly kind: 'code'; readonly id: number; readonly code: ModelCode }
  /** The person's input is at fault. */
  | { readonly kind: 'refused'; readonly id: number; readonly diagnostics: readonly Diagnostic[] }
  /** The worker does not have the revision that the patches build on. */
  | { readonly kind: 'unknown'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string };
