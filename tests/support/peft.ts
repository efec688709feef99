/** Our side of the tests of PEFT files: models on a backbone folder, random trained values, logits on ONNX Runtime. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '../../engine/base/errors.ts';
import type { HostTensor } from '../../engine/backends/executable.ts';
import { openCheckpoint, tensorNameAliases } from '../../engine/checkpoints/checkpoint.ts';
import { writeSafetensors } from '../../engine/checkpoints/safetensors.ts';
import { compileModel, type CompiledModel } from '../../engine/compile/model.ts';
import { evaluateDim } from '../../engine/ir/dim.ts';
import { concreteShape } from '../../engine/ir/types.ts';
import { emptyDocument, type Document } from '../../engine/protocol/document.ts';
import { recordOf } from '../../engine/protocol/ids.ts';
import type { Backbone } from '../../engine/workflow/backbone.ts';
import type { PeftSubject } from '../../engine/workflow/peft/fit.ts';
import type { ImportToolkit } from '../../engine/workflow/peftImport.ts';
import { predictionProgram } from '../../engine/workflow/programs.ts';
import type { HeadTask } from '../../engine/workflow/toolkit.ts';
import {
  applyPreset,
  bertGraph,
  fitHead,
  headTask,
  plainGraph,
  textLimits,
  type BertConfig,
} from '../../nodes/index.ts';
import { onnxRunner } from './onnxRunner.ts';
import { compileTiny, generator, MAIN, REGISTRY, TINY } from './tinyModels.ts';

export const TOOLKIT: ImportToolkit = { registry: REGISTRY, fitHead, headTask, textLimits, plainGraph, applyPreset };

export function backboneAt(folder: string): Backbone {
  const checkpoint = openCheckpoint(folder);
  return { reference: 'backbone', checkpoint, aliases: tensorNameAliases(checkpoint), hash: '' };
}

/** A document with one model on the backbone, plain or with a preset. */
export function documentOn(
  backbone: Backbone,
  task: HeadTask,
  preset?: string,
  params: Readonly<Record<string, unknown>> = {},
): Document {
  const facts = { config: backbone.checkpoint.config, tensorNames: new Set(backbone.aliases.keys()) };
  const graph = plainGraph(facts, task);
  if (!graph.ok) throw new Error(JSON.stringify(graph.error));
  const document: Document = { ...emptyDocument('peft'), models: recordOf([[MAIN, graph.value]]) };
  if (preset === undefined) return document;
  const made = applyPreset(document, MAIN, preset, params);
  if (!made.ok) throw new Error(made.error);
  return made.value;
}

export const subjectOf = (backbone: Backbone, document: Document): PeftSubject => ({
  document,
  model: MAIN,
  backbone,
  toolkit: TOOLKIT,
});

export function compileOn(document: Document): CompiledModel {
  const { compiled, diagnostics } = compileModel({ document, model: MAIN, registry: REGISTRY, training: false });
  if (!compiled) throw new Error(JSON.stringify(diagnostics, undefined, 1));
  return compiled;
}

export type Parameters = ReadonlyMap<string, HostTensor>;

/** Random values for every trainable parameter, none of them zero. */
export function randomParameters(document: Document, seed = 1): Parameters {
  const random = generator(seed);
  const trainable = compileOn(document).parameters.filter((p) => p.role === 'trainable');
  return new Map(
    trainable.map((p) => {
      const shape = p.type.shape.map((d) => evaluateDim(d, new Map()));
      const count = shape.reduce((n, d) => n * d, 1);
      // Norms and magnitudes lie around one, everything else around zero; small keys would change no attention.
      const around = /\/(?:gamma|m|l)$/.test(p.name) ? 1 : 0;
      const size = /\/(?:keys|values)$/.test(p.name) ? 8 : 1;
      const draw = (): number => around + (random() < 0.5 ? -size : size) * (0.05 + 0.3 * random());
      const data = Float32Array.from({ length: count }, draw);
      return [p.name, { dtype: 'f32', shape, data }] as const;
    }),
  );
}

export interface TextBatch {
  readonly ids: readonly (readonly number[])[];
  readonly lengths: readonly number[];
}

/** Logits of the model, and their shape. */
export async function logitsOf(
  document: Document,
  backbone: Backbone,
  parameters: Parameters,
  batch: TextBatch,
  workFolder: string,
): Promise<HostTensor> {
  const compiled = compileOn(document);
  const program = predictionProgram(compiled);
  const fn = must(program.functions.get(program.entry), 'entry');
  const [B, T] = [batch.lengths.length, Math.max(...batch.lengths)];
  const packed = batch.lengths.flatMap((n, b) => Array.from({ length: n }, (_, t) => b * T + t));
  const bindings = new Map([
    ['B', B],
    ['T', T],
    ['N', packed.length],
  ]);
  const { firstPosition } = textLimits(document, MAIN);
  const padded = (f: (b: number, t: number) => number): number[] =>
    batch.lengths.flatMap((n, b) => Array.from({ length: T }, (_, t) => (t < n ? f(b, t) : 0)));
  const data: Readonly<Record<string, readonly number[]>> = {
    'batch/ids': padded((b, t) => batch.ids[b]?.[t] ?? 0),
    'batch/typeIds': padded(() => 0),
    'batch/positions': padded((_b, t) => t + firstPosition),
    'batch/lengths': batch.lengths,
    'pack/index': packed,
    'pack/starts': batch.lengths.map((_, b) => batch.lengths.slice(0, b).reduce((x, y) => x + y, 0)),
  };
  const feeds = new Map<string, HostTensor>();
  const weights = new Map<string, HostTensor>();
  for (const p of fn.params) {
    const shape = concreteShape(must(fn.values.get(p.id), p.name).type.shape, bindings);
    const source = compiled.parameters.find((d) => d.name === p.name)?.source;
    if (source) {
      const name = backbone.aliases.get(source.tensor) ?? source.tensor;
      weights.set(p.name, { dtype: 'f32', shape, data: backbone.checkpoint.readFloat32(name) });
    } else if (p.role === 'trainable') {
      const value = must(parameters.get(p.name), p.name);
      if (value.shape.join() !== shape.join())
        throw new Error(`${p.name}: ${value.shape.join()} is not ${shape.join()}`);
      feeds.set(p.name, value);
    } else feeds.set(p.name, { dtype: 'i32', shape, data: Int32Array.from(must(data[p.name], p.name)) });
  }
  const results = await onnxRunner(workFolder)(program, compiled, feeds, weights);
  return must(results.get('output/logits'), 'logits');
}

/** A folder with the configuration and random weights of a small BERT, written by us. */
export function writeTinyBackbone(folder: string, config: BertConfig = TINY): Backbone {
  const graph = bertGraph(config, { kind: 'classification', classes: 2 });
  const tensors = compileTiny(graph).parameters.flatMap((p) =>
    p.source ? [{ name: p.source.tensor, type: p.type }] : [],
  );
  const random = generator(7);
  mkdirSync(folder, { recursive: true });
  writeSafetensors(
    join(folder, 'model.safetensors'),
    tensors.map(({ name, type }) => {
      const shape = type.shape.map(Number);
      const count = shape.reduce((n, d) => n * d, 1);
      return { name, dtype: 'F32', shape, data: Float32Array.from({ length: count }, () => random() - 0.5) };
    }),
  );
  const written = {
    model_type: config.family,
    vocab_size: config.vocabulary,
    hidden_size: config.width,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    intermediate_size: config.intermediate,
    hidden_act: config.activation,
    max_position_embeddings: config.positions,
    type_vocab_size: config.types,
    layer_norm_eps: config.epsilon,
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(written));
  return backboneAt(folder);
}
