/**
 * The frozen weights of a model by their names in the Program (`ARTIFACT:TENSOR`): mapped from their files where a kernel
 * can read them there, else converted in memory.
 */
import { createHash } from 'node:crypto';
import { BugError, must } from '../base/errors.ts';
import type { WeightSource } from '../backends/executable.ts';
import type { EntryParameter } from '../compile/model.ts';
import { evaluateDim } from '../ir/dim.ts';
import type { WeightReader } from '../trainer/backend.ts';
import type { Backbone } from './backbone.ts';
import { artifactOf, type BankSource } from './banks.ts';

/** What a kernel's loads of float32 need. */
const ALIGNMENT = 4;

export interface ModelWeights {
  readonly reader: WeightReader;
  /** Names the content of all frozen weights, those of sources in banks too. */
  readonly key: string;
  readonly sources: ReadonlyMap<string, WeightSource>;
}

/** All weights that a compiled model reads. */
export function modelWeights(
  parameters: readonly EntryParameter[],
  backbone: Backbone,
  banks: readonly BankSource[],
): ModelWeights {
  const adapters = new Map(banks.map((s) => [artifactOf(s), s.adapter]));
  const needed = parameters.filter((p) => p.role === 'weight');
  const placeOf = (name: string): { readonly artifact: string; readonly tensor: string } =>
    must(needed.find((p) => p.name === name)?.source, `weight "${name}" has a place`);
  const read = (name: string): Float32Array => {
    const { artifact, tensor } = placeOf(name);
    if (artifact === 'backbone') return backbone.checkpoint.readFloat32(backbone.aliases.get(tensor) ?? tensor);
    return must(adapters.get(artifact), `source "${artifact}" is there`).read(tensor);
  };
  const sources = new Map(needed.map((p) => [p.name, sourceOf(p, backbone, read)]));
  return { reader: { read }, key: keyOf(needed, backbone, read), sources };
}

function keyOf(needed: readonly EntryParameter[], backbone: Backbone, read: (name: string) => Float32Array): string {
  const ofBanks = needed.filter((p) => p.source?.artifact !== 'backbone').map((p) => p.name);
  if (ofBanks.length === 0) return backbone.hash;
  const hash = createHash('sha256').update(backbone.hash);
  for (const name of ofBanks.toSorted()) hash.update(JSON.stringify(name)).update(read(name));
  return hash.digest('hex').slice(0, 32);
}

function sourceOf(p: EntryParameter, backbone: Backbone, read: (name: string) => Float32Array): WeightSource {
  const { artifact, tensor } = must(p.source, `weight "${p.name}" has a place`);
  const placed =
    artifact === 'backbone' ? backbone.checkpoint.tensors.get(backbone.aliases.get(tensor) ?? tensor) : undefined;
  if (artifact === 'backbone' && !placed) throw new BugError(`the checkpoint has no tensor "${tensor}"`);
  const shape = p.type.shape.map((d) => evaluateDim(d, new Map()));
  if (placed && placed.entry.dtype === 'F32' && placed.entry.begin % ALIGNMENT === 0) {
    const { begin, end } = placed.entry;
    return { kind: 'file', path: placed.file.path, offset: begin, length: end - begin, shape, dtype: 'f32' };
  }
  return { kind: 'memory', tensor: { dtype: 'f32', shape, data: read(p.name) } };
}
