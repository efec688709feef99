/**
 * A backbone as a document names it: a model of the store, or a folder relative to the document's folder. Tensor names are
 * given in their current form (`LayerNorm.weight`); very old files hold others. Nothing is downloaded here.
 */
import { isAbsolute as isAbsolutePath, relative, resolve, sep } from 'node:path';
import { tensorNameAliases, type Checkpoint } from '../checkpoints/checkpoint.ts';
import { resolveModel } from '../checkpoints/store.ts';

export interface Backbone {
  /** As the document names it. */
  readonly reference: string;
  readonly checkpoint: Checkpoint;
  /** Current tensor name to the name in the file. */
  readonly aliases: ReadonlyMap<string, string>;
  /** SHA-256 of the content. */
  readonly hash: string;
}

/** Opens a backbone. Throws a `UserError` when there is none or it is damaged. */
export function openBackbone(reference: string, folder: string, home?: string): Backbone {
  const target = reference.startsWith('.') ? resolve(folder, reference) : reference;
  const { checkpoint } = resolveModel(target, home === undefined ? {} : { home });
  return { reference, checkpoint, aliases: tensorNameAliases(checkpoint), hash: checkpoint.hash() };
}

/** The shape of a tensor by its current name. */
export function backboneShape(backbone: Backbone, name: string): readonly number[] | undefined {
  return backbone.checkpoint.tensors.get(backbone.aliases.get(name) ?? name)?.entry.shape;
}

/** The reference that a document in `folder` holds for a model that a person named in `from`. */
export function backboneReference(given: string, from: string, folder: string): string {
  const isPath = /^(?:[./~\\]|[A-Za-z]:[\\/])/.test(given);
  if (!isPath) return given;
  const path = relativePath(resolve(from, given), folder);
  return path.startsWith('.') ? path : `./${path}`;
}

/** A path as a document in `folder` holds it: relative, with forward slashes. */
export function relativePath(path: string, folder: string): string {
  const found = relative(resolve(folder), path);
  const written = isAbsolutePath(found) ? path : found;
  return (written === '' ? '.' : written).split(sep).join('/');
}
