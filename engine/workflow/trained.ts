/** A trained model made usable again from its container: its Programs compiled on a device, its parameters loaded. */
import { resolve } from 'node:path';
import { UserError } from '../base/errors.ts';
import type { HostTensor } from '../backends/executable.ts';
import { listModels } from '../checkpoints/store.ts';
import type { CompiledModel } from '../compile/model.ts';
import { evaluateDim } from '../ir/dim.ts';
import type { Program } from '../ir/program.ts';
import type { Document } from '../protocol/document.ts';
import type { ModelId } from '../protocol/ids.ts';
import { loadTokenizer, type Tokenizer } from '../tokenizers/loadTokenizer.ts';
import { declaredInputs } from '../trainer/feeds.ts';
import type { EvaluationContext } from '../trainer/evaluate.ts';
import { namesOf } from '../trainer/programs.ts';
import { openBackbone, type Backbone } from './backbone.ts';
import { banksOfContainer, type BankSource } from './banks.ts';
import { compileSetup } from './compileModelStep.ts';
import { openContainer, type Container, type ContainerData } from './container.ts';
import { openDevice } from './devices.ts';
import * as messages from './messages.ts';
import type { Toolkit } from './toolkit.ts';
import { modelWeights } from './weights.ts';

export interface OpenRequest {
  readonly file: string;
  readonly toolkit: Toolkit;
  /** The folder that a relative backbone is looked for in. */
  readonly folder: string;
  /** Instead of the backbone that the container names. */
  readonly backbone?: string;
  readonly home?: string;
  readonly threads: number;
}

/** What a trained model consists of, wherever it was kept. */
export interface TrainedParts {
  readonly document: Document;
  readonly model: ModelId;
  readonly backbone: Backbone;
  readonly sources: readonly BankSource[];
  /** A trained tensor by its path; undefined when there is none. */
  readonly parameter: (path: string) => Pick<HostTensor, 'shape' | 'data'> | undefined;
  readonly data: ContainerData;
  /** The figure that its state was chosen by; empty when there is none. */
  readonly primary: string;
  /** Where the parameters are, for messages. */
  readonly file: string;
}

export interface TrainedModel extends Pick<TrainedParts, 'data' | 'primary'> {
  readonly compiled: CompiledModel;
  readonly tokenizer: Tokenizer;
  readonly parameters: ReadonlyMap<string, HostTensor>;
  /** What evaluation and prediction of this model have in common, for the Program that is wanted. */
  context(
    program: Program,
  ): Promise<Pick<EvaluationContext, 'model' | 'output' | 'firstPosition' | 'microBatchTokens' | 'extra'>>;
  close(): Promise<void>;
}

/** Opens a container with its backbone. Throws a `UserError` when either is missing or does not fit. */
export function openTrained(request: OpenRequest): TrainedModel {
  const container = openContainer(request.file, request.toolkit.registry);
  const { document, model, data, primary, file } = container;
  const backbone = findBackbone(container, request);
  const parameter = (path: string): Pick<HostTensor, 'shape' | 'data'> | undefined => {
    const entry = file.tensors.get(path);
    return entry && { shape: entry.shape, data: container.read(path) };
  };
  const sources = banksOfContainer(container);
  return openParts({ document, model, backbone, sources, parameter, data, primary, file: file.path }, request);
}

/** Compiles a trained model and loads its parameters. */
export function openParts(
  parts: TrainedParts,
  request: Pick<OpenRequest, 'toolkit' | 'home' | 'threads'>,
): TrainedModel {
  const { toolkit } = request;
  const { document, model, backbone, sources } = parts;
  const limits = toolkit.textLimits(document, model);
  const setup = { document, model, backbone, sources };
  const { compiled, diagnostics } = compileSetup(setup, toolkit, { training: false, maxLength: limits.longest });
  if (!compiled) throw new UserError(diagnostics);
  const weights = modelWeights(compiled.parameters, backbone, sources);
  const device = openDevice({
    weights: weights.sources,
    near: backbone.checkpoint.folder,
    threads: request.threads,
    ...(request.home === undefined ? {} : { home: request.home }),
  });
  const executables: { dispose(): Promise<void> }[] = [];
  return {
    data: parts.data,
    primary: parts.primary,
    compiled,
    tokenizer: loadTokenizer(backbone.checkpoint.folder),
    parameters: trainedParameters(parts, compiled),
    context: async (program) => {
      const executable = await device.backend.compile(program);
      executables.push(executable);
      return {
        model: { executable, inputs: declaredInputs(program), trainables: namesOf(program, 'trainable') },
        output: `output/${compiled.outputs[0] ?? 'logits'}`,
        firstPosition: limits.firstPosition,
        microBatchTokens: undefined,
        extra: undefined,
      };
    },
    close: async () => {
      for (const e of executables) await e.dispose();
      device.close();
    },
  };
}

function trainedParameters(parts: TrainedParts, compiled: CompiledModel): ReadonlyMap<string, HostTensor> {
  const wanted = compiled.parameters.filter((p) => p.role === 'trainable');
  return new Map(
    wanted.map((p) => {
      const found = parts.parameter(p.name);
      const shape = p.type.shape.map((d) => evaluateDim(d, new Map()));
      if (!found || found.shape.join() !== shape.join()) {
        throw new UserError(messages.badContainer(parts.file, `no tensor "${p.name}" of [${shape.join(',')}]`));
      }
      return [p.name, { dtype: 'f32', shape, data: found.data }] as const;
    }),
  );
}

/** The backbone by its name or place, else any model of the store with the same content. */
function findBackbone(container: Container, request: OpenRequest): Backbone {
  const { reference, hash } = container.backbone;
  const open = (name: string, folder: string): Backbone => openBackbone(name, folder, request.home);
  if (request.backbone !== undefined) return requireSame(open(request.backbone, request.folder), container);
  try {
    return requireSame(open(reference, request.folder), container);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { models } = listModels(request.home === undefined ? {} : { home: request.home });
    const same = models.find((m) => m.contentHash === hash);
    if (same) return open(resolve(same.folder), request.folder);
    throw error;
  }
}

function requireSame(backbone: Backbone, container: Container): Backbone {
  if (backbone.hash === container.backbone.hash) return backbone;
  throw new UserError(messages.otherBackbone({ file: backbone.checkpoint.folder }));
}
