/** Commands about projects: a project is one open document, shared by all windows that show it. */
import { z } from 'zod';
import type { Diagnostic } from '../../base/errors.ts';
import type { Document } from '../document.ts';
import { mutation, query } from './define.ts';
import {
  grantIdSchema,
  nameSchema,
  patchSchema,
  projectIdSchema,
  relativePathSchema,
  revisionSchema,
} from './fields.ts';
import type { ProjectId } from './fields.ts';
import type { Patch } from './patch.ts';

export interface OpenProject {
  readonly project: ProjectId;
  readonly document: Document;
  readonly revision: number;
  /** For people: the file's name and folder as the operating system shows them. */
  readonly file: string;
  readonly folder: string;
  /** Edits that were in the journal and not in the file, and are back now. */
  readonly recovered: number;
  readonly diagnostics: readonly Diagnostic[];
}

/** Another window was faster and touched the same place: what the document is now. */
export interface Conflict {
  readonly document: Document;
  readonly revision: number;
}
export type EditOutcome =
  | { readonly kind: 'done'; readonly revision: number }
  | ({ readonly kind: 'conflict' } & Conflict)
  | { readonly kind: 'refused'; readonly diagnostics: readonly Diagnostic[] };

/** A change that the service works out and the page then makes as an ordinary edit, so that undo knows it. */
export interface Proposal {
  readonly patch: Patch;
  readonly revision: number;
  /** What was decided, in words. */
  readonly notes: readonly string[];
}

const scalar = z.union([z.string().max(10_000), z.number(), z.boolean()]);

export const projectCommands = {
  'project.new': mutation<OpenProject>()(
    z.strictObject({
      /** Name of the file in the workspace, without folder; a number is added when it is taken. */
      name: nameSchema,
      from: z.discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('template'), template: nameSchema }),
        z.strictObject({
          kind: z.literal('tune'),
          backbone: nameSchema,
          data: z.union([
            z.strictObject({ grant: grantIdSchema }),
            z.strictObject({ path: relativePathSchema }),
            z.strictObject({ sample: z.literal(true) }),
          ]),
          method: nameSchema,
          params: z.record(z.string().max(100), scalar).prefault({}),
          text: z.array(z.string().max(1000)).max(2).exactOptional(),
          label: z.array(z.string().max(1000)).max(1000).exactOptional(),
          task: z.enum(['classification', 'multilabel', 'regression', 'tokens']).exactOptional(),
          epochs: z.int().min(1).max(100_000).exactOptional(),
        }),
        /** The layers of a backbone with nothing attached, and no data. */
        z.strictObject({ kind: z.literal('backbone'), backbone: nameSchema }),
        z.strictObject({ kind: z.literal('text'), text: z.string().max(50_000_000) }),
      ]),
    }),
    'Make a document and open it',
  ),
  'project.open': mutation<OpenProject>()(
    z.union([
      z.strictObject({ path: relativePathSchema }),
      z.strictObject({ grant: grantIdSchema }),
      z.strictObject({ recent: z.int().min(0) }),
    ]),
    'Open a document',
  ),
  'project.get': query<OpenProject>()(z.strictObject({ project: projectIdSchema }), 'An open project as it is now'),
  'project.edit': mutation<EditOutcome>()(
    z.strictObject({
      project: projectIdSchema,
      revision: revisionSchema,
      patch: patchSchema,
      label: z.string().max(500),
    }),
    'Change a document',
  ),
  'project.save': mutation<{ readonly savedAt: string }>()(
    z.strictObject({ project: projectIdSchema }),
    'Write the document to its file now',
  ),
  'project.saveAs': mutation<OpenProject>()(
    z.strictObject({
      project: projectIdSchema,
      name: nameSchema.exactOptional(),
      grant: grantIdSchema.exactOptional(),
    }),
    'Write a copy and go on with it',
  ),
  'project.close': mutation<Record<string, never>>()(z.strictObject({ project: projectIdSchema }), 'Close a project'),
  /** What `engine/nodes` alone can work out: methods put at their places. */
  'project.proposeMethod': query<Proposal>()(
    z.strictObject({
      project: projectIdSchema,
      revision: revisionSchema,
      model: nameSchema,
      method: nameSchema,
      params: z.record(z.string().max(100), scalar).prefault({}),
      bank: nameSchema.exactOptional(),
    }),
    'How a method would be attached',
  ),
  /**
   * Data, a head that fits its classes and a training step for a project that has a backbone and no data: what "tune" makes
   * with method `head`, as a patch of the open document. Title and drawing stay. Files are copied beside the document.
   */
  'project.proposeTraining': mutation<Proposal>()(
    z.strictObject({
      project: projectIdSchema,
      revision: revisionSchema,
      data: z.union([
        z.strictObject({ grant: grantIdSchema }),
        z.strictObject({ path: relativePathSchema }),
        z.strictObject({ sample: z.literal(true) }),
      ]),
      text: z.array(z.string().max(1000)).max(2).exactOptional(),
      label: z.array(z.string().max(1000)).max(1000).exactOptional(),
      task: z.enum(['classification', 'multilabel', 'regression', 'tokens']).exactOptional(),
    }),
    'How data and training would be added',
  ),
  /** The grant is of a folder; uploads that belong together make one. The values are kept as a file beside the document. */
  'project.takeAdapter': mutation<Proposal>()(
    z.strictObject({ project: projectIdSchema, revision: revisionSchema, model: nameSchema, grant: grantIdSchema }),
    'Keep the values of a Hugging Face adapter folder, and how it would be attached',
  ),
  'project.code': query<{
    readonly text: string;
    /** Lines (from 1) that a node of the graph is responsible for, by its path with `*` for the layer. */
    readonly spans: readonly { readonly node: string; readonly from: number; readonly to: number }[];
  }>()(z.strictObject({ project: projectIdSchema, model: nameSchema }), 'The exported PyTorch code of a model'),
  'project.command': query<{ readonly text: string }>()(
    z.strictObject({ project: projectIdSchema }),
    'The command line that runs this project',
  ),
  'project.relocate': mutation<EditOutcome>()(
    z.strictObject({
      project: projectIdSchema,
      revision: revisionSchema,
      step: nameSchema,
      param: nameSchema,
      grant: grantIdSchema,
    }),
    'Say where a missing file is now',
  ),
} as const;
