/** Commands about the data of a project. */
import { z } from 'zod';
import type { Diagnostic } from '../../base/errors.ts';
import { query } from './define.ts';
import { grantIdSchema, nameSchema, projectIdSchema, relativePathSchema, revisionSchema } from './fields.ts';

export interface DataPreview {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly total: number;
  readonly offset: number;
  readonly text: readonly string[];
  readonly label: readonly string[];
  readonly task: string;
  /** Why these columns were taken, in words. */
  readonly reasons: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

export interface DataChecks {
  readonly rows: number;
  readonly classes: readonly { readonly label: string; readonly count: number }[];
  readonly duplicates: number;
  /** Texts of the evaluation data that are in the training data too. */
  readonly leaks: number;
  /** Share of the texts that are cut at the chosen length. */
  readonly truncatedShare: number;
  readonly maxLength: number;
  /** Tokens of texts: how many texts have at most so many tokens. */
  readonly lengths: readonly { readonly upTo: number; readonly count: number }[];
  readonly majority: number;
  readonly diagnostics: readonly Diagnostic[];
}

export const dataCommands = {
  'data.preview': query<DataPreview>()(
    z.strictObject({
      project: projectIdSchema,
      revision: revisionSchema,
      step: nameSchema,
      offset: z.int().min(0),
      limit: z.int().min(1).max(1000),
    }),
    'Rows of a data step',
  ),
  /** Of a file that is not in a project yet: the guided first run. */
  'data.look': query<DataPreview>()(
    z.union([
      z.strictObject({ grant: grantIdSchema }),
      z.strictObject({ path: relativePathSchema }),
      z.strictObject({ sample: z.literal(true) }),
    ]),
    'Rows and guessed columns of a file',
  ),
  'data.checks': query<DataChecks>()(
    z.strictObject({ project: projectIdSchema, revision: revisionSchema, step: nameSchema }),
    'Class balance, duplicates, leaks and lengths of a data step',
  ),
} as const;
