/**
 * Source banks filled from adapters. A source is one module of a trained model; before that model is trained it is
 * planned: its type, parameters and tensor shapes are known from the graph, its values are not.
 */
import { resolve } from 'node:path';
import { UserError, type Diagnostic, type Place } from '../base/errors.ts';
import type { NodeRegistry } from '../compile/registry.ts';
import type { SourceModule } from '../nodekit/node.ts';
import type { Document } from '../protocol/document.ts';
import type { BankId, ModelId } from '../protocol/ids.ts';
import { sourceOutputs, type StepOutput } from '../protocol/steps.ts';
import { banksOfModels } from '../protocol/structure/workflow.ts';
import { openContainer, sourceTensor, type Container } from './container.ts';
import * as messages from './messages.ts';
import { theSourceModule, type ModuleRecord } from './modules.ts';

/** A trained or planned adapter as banks use it. */
export interface AdapterArtifact {
  readonly modules: readonly ModuleRecord[];
  /** Shape of a tensor by its path; undefined when there is none. */
  shape(tensor: string): readonly number[] | undefined;
  /** Values of a tensor; a planned adapter has none and throws. */
  read(tensor: string): Float32Array;
  /** The backbone it was trained on; undefined while planned. */
  readonly backboneHash?: string;
}

export interface BankSource {
  readonly bank: BankId;
  readonly name: string;
  readonly module: ModuleRecord;
  readonly adapter: AdapterArtifact;
}

/** The artifact part of the source's weight names. */
export const artifactOf = (source: { readonly bank: string; readonly name: string }): string =>
  `${source.bank}.${source.name}`;

export const adapterOf = (container: Container): AdapterArtifact => ({
  modules: container.modules,
  shape: (tensor) => container.file.tensors.get(tensor)?.shape,
  read: (tensor) => container.read(tensor),
  backboneHash: container.backbone.hash,
});

export interface BankRequest {
  readonly document: Document;
  readonly model: ModelId;
  readonly registry: NodeRegistry;
  /** The folder that assets are relative to. */
  readonly folder: string;
  /** The adapter that a step gives or will give. */
  readonly fromStep: (output: StepOutput) => AdapterArtifact;
}

export interface Banks {
  readonly sources: readonly BankSource[];
  readonly diagnostics: readonly Diagnostic[];
}

/** The sources of all banks of a model, muted ones left out. */
export function fillBanks(request: BankRequest): Banks {
  const sources: BankSource[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const bank of banksOfModels(request.document).get(request.model) ?? []) {
    for (const source of request.document.banks[bank]?.sources ?? []) {
      if (source.mute === true) continue;
      const where: Place = { model: request.model, node: `bank ${bank}`, param: source.name };
      try {
        const adapter = adapterOfSource(request, source, where);
        const module = theSourceModule(adapter.modules, where);
        if (module.ok) sources.push({ bank, name: source.name, module: module.value, adapter });
        else diagnostics.push(module.error);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        diagnostics.push(...error.diagnostics);
      }
    }
  }
  return { sources, diagnostics };
}

function adapterOfSource(
  request: BankRequest,
  source: Document['banks'][BankId]['sources'][number],
  where: Place,
): AdapterArtifact {
  const { artifact } = source;
  if ('asset' in artifact) return adapterOf(openContainer(resolve(request.folder, artifact.asset), request.registry));
  if (!('step' in artifact)) {
    throw new UserError(messages.sourceUnsupported(where, 'hash' in artifact ? 'stored content' : 'a promoted port'));
  }
  const [output] = sourceOutputs(request.document, source);
  if (output === undefined) throw new UserError(messages.sourceUnsupported(where, 'a step without an output'));
  return request.fromStep(output);
}

/** The sources as a container holds them. */
export function banksOfContainer(container: Container): readonly BankSource[] {
  return container.sources.map(({ bank, name, module }) => {
    const artifact = artifactOf({ bank, name });
    const adapter: AdapterArtifact = {
      modules: [module],
      shape: (tensor) => container.file.tensors.get(sourceTensor(artifact, tensor))?.shape,
      read: (tensor) => container.read(sourceTensor(artifact, tensor)),
    };
    return { bank: bank as BankId, name, module, adapter };
  });
}

/** The rows of the banks as the compiler takes them. */
export function compilerBanks(sources: readonly BankSource[]): ReadonlyMap<BankId, readonly SourceModule[]> {
  const banks = new Map<BankId, SourceModule[]>();
  for (const source of sources) {
    const { type, params, prefix } = source.module;
    const artifact = artifactOf(source);
    const row: SourceModule = {
      name: source.name,
      type,
      params,
      tensor: (name) => ({ artifact, tensor: prefix + name }),
    };
    banks.set(source.bank, [...(banks.get(source.bank) ?? []), row]);
  }
  return banks;
}
