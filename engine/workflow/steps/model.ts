/** The model step: the graph, its backbone opened, its banks filled. The head is fitted when the training data is read. */
import { UserError } from '../../base/errors.ts';
import type { Document } from '../../protocol/document.ts';
import type { ModelId } from '../../protocol/ids.ts';
import type { Backbone } from '../backbone.ts';
import { fillBanks, type BankRequest, type BankSource } from '../banks.ts';
import type { DataArtifact } from '../data.ts';
import * as messages from '../messages.ts';

export interface ModelArtifact {
  readonly kind: 'model';
  readonly document: Document;
  readonly model: ModelId;
  readonly backbone: Backbone;
  readonly sources: readonly BankSource[];
  /** The data that the head is fitted to. */
  readonly fitTo: DataArtifact | undefined;
}

export function modelStep(request: BankRequest, backbone: Backbone, fitTo: DataArtifact | undefined): ModelArtifact {
  const { sources, diagnostics } = fillBanks(request);
  if (diagnostics.length > 0) throw new UserError(diagnostics);
  const other = sources.find((s) => s.adapter.backboneHash !== undefined && s.adapter.backboneHash !== backbone.hash);
  if (other)
    throw new UserError(
      messages.otherBackbone({ model: request.model, node: `bank ${other.bank}`, param: other.name }),
    );
  return { kind: 'model', document: request.document, model: request.model, backbone, sources, fitTo };
}
