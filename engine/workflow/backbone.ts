/**
 * A backbone as a document names it: a model of the store, or a folder relative to the document's folder. Tensor names are
 * given in their current form (`LayerNorm.weight`); very old files hold others. Nothing is downloaded here.
 */
import { existsSync } from 'node:fs';
import { isAbsolute as isAbsolutePath, relative, resolve, sep } from 'node:path';
import { tensorNameAliases, type Checkpoint } from '../checkpoints/checkpoint.ts';
import { listModels, resolveModel, STARTER } from '../checkpoints/store.ts';

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

const isPath = (text: string): boolean => /^(?:[./~\\]|[A-Za-z]:[\\/])/.test(text);

/**
 * A model as a person names it in `cwd`: a name of the store, else a folder.
 *
 * @returns the name, or the absolute path of the folder
 */
export function modelGiven(given: string, cwd: string): string {
  const path = resolve(cwd, given);
  if (isPath(given)) return path;
  const { models } = listModels();
  const known = given === STARTER || models.some((m) => m.id === given);
  return !known && existsSync(path) ? path : given;
}

/** What a document in `folder` holds for a name or an absolute path. */
export function backboneReference(nameOrPath: string, folder: string): string {
  if (!isPath(nameOrPath)) return nameOrPath;
  const path = relativePath(nameOrPath, folder);
  return path.startsWith('.') ? path : `./${path}`;
}

/** A path as a document in `folder` holds it: relative, with forward slashes. */
export function relativePath(path: string, folder: string): string {
  const found = relative(resolve(folder), path);
  const written = isAbsolutePath(found) ? path : found;
  return (written === '' ? '.' : written).split(sep).join('/');
}
