/**
 * Grants: files and folders outside the workspace that a person chose in a dialog or uploaded. The page holds an id; the
 * path stays here. A grant is bound to the real path at the time of the choice: a link that is swapped later leads nowhere.
 */
import { randomBytes } from 'node:crypto';
import { lstatSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import type { GrantId } from '../../protocol/api/fields.ts';
import { REFUSALS } from '../problems.ts';
import { realPlace } from './workspace.ts';

/** `save`: a file that may be written and need not exist yet. */
export type GrantKind = 'file' | 'folder' | 'save';

export interface Grant {
  readonly id: GrantId;
  readonly kind: GrantKind;
  readonly path: string;
  /** The file's name alone; for people. */
  readonly name: string;
}

export interface Grants {
  /** Grants an existing file or folder, or a place to save to. Refuses devices, pipes and what is not there. */
  readonly add: (path: string, kind: GrantKind) => Grant;
  /** The real path of a granted regular file. */
  readonly file: (id: GrantId) => string;
  readonly folder: (id: GrantId) => string;
  /** Where a granted file is to be written. */
  readonly save: (id: GrantId) => string;
  readonly get: (id: GrantId) => Grant;
}

const MOST = 10_000;

export function createGrants(): Grants {
  const grants = new Map<GrantId, Grant>();
  const get = (id: GrantId): Grant => {
    const grant = grants.get(id);
    if (!grant) throw REFUSALS.grant();
    return grant;
  };
  /** The path again, when it still is what was chosen. */
  const unchanged = ({ path, name }: Grant, is: 'isFile' | 'isDirectory'): string => {
    let same: boolean;
    try {
      same = realpathSync(path) === path && lstatSync(path)[is]();
    } catch {
      same = false;
    }
    if (!same) throw REFUSALS.grant(name);
    return path;
  };
  return {
    get,
    add: (given, kind) => {
      const path = kind === 'save' ? realPlace(given) : existing(given, kind);
      const grant: Grant = { id: randomBytes(18).toString('base64url') as GrantId, kind, path, name: basename(path) };
      grants.set(grant.id, grant);
      const oldest = grants.keys().next().value;
      if (grants.size > MOST && oldest !== undefined) grants.delete(oldest);
      return grant;
    },
    file: (id) => {
      const grant = get(id);
      if (grant.kind === 'folder') throw REFUSALS.grant(grant.name);
      return unchanged(grant, 'isFile');
    },
    folder: (id) => {
      const grant = get(id);
      if (grant.kind !== 'folder') throw REFUSALS.grant(grant.name);
      return unchanged(grant, 'isDirectory');
    },
    save: (id) => {
      const grant = get(id);
      if (grant.kind !== 'save') throw REFUSALS.grant(grant.name);
      if (realPlace(grant.path) !== grant.path) throw REFUSALS.grant(grant.name);
      return grant.path;
    },
  };
}

function existing(given: string, kind: 'file' | 'folder'): string {
  let path: string;
  try {
    path = realpathSync(given);
  } catch {
    throw REFUSALS.forbidden(basename(given));
  }
  const facts = lstatSync(path);
  if (kind === 'file' ? !facts.isFile() : !facts.isDirectory()) throw REFUSALS.forbidden(basename(given));
  return path;
}
