/** Fields that many commands share. */
import { z } from 'zod';
import type { Brand } from '../../base/brand.ts';

export type ProjectId = Brand<string, 'ProjectId'>;
export type RunId = Brand<string, 'RunId'>;
/** A file or folder outside the workspace that a person chose in a dialog, or an upload; the page never sees its path. */
export type GrantId = Brand<string, 'GrantId'>;

const token = <T extends string>(): z.ZodType<T, string> =>
  z.string().regex(/^[A-Za-z0-9_-]{1,64}$/) as unknown as z.ZodType<T, string>;
export const projectIdSchema = token<ProjectId>();
export const runIdSchema = token<RunId>();
export const grantIdSchema = token<GrantId>();

/** A path below one of the workspace's roots, with `/`; never absolute, never with `..`. */
export const relativePathSchema = z.string().max(4096);
export const nameSchema = z.string().min(1).max(200);
export const patchSchema = z
  .array(z.strictObject({ path: z.array(z.string().max(1_000)).max(256), value: z.unknown().optional() }))
  .max(100_000);
/** Counts the edits of a project since it was opened; an edit names the revision that it was made on. */
export const revisionSchema = z.int().min(0);
