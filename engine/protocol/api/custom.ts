/** Commands about custom nodes: TypeScript that a person writes, traced in a sandbox. */
import { z } from 'zod';
import type { Diagnostic } from '../../base/errors.ts';
import type { NodeTypeInfo } from './catalog.ts';
import { mutation, query } from './define.ts';
import { nameSchema } from './fields.ts';

/** What a node makes of wires of usual shapes. */
export interface CustomTrial {
  /** `f32[B,T,384]` by port. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, string>>;
  readonly parameters: readonly {
    readonly name: string;
    readonly shape: string;
    readonly count: number;
    readonly trainable: boolean;
  }[];
  readonly instructions: number;
  /** The traced function as text. */
  readonly program: string;
}

export interface CustomNode {
  readonly name: string;
  readonly source: string;
  readonly hash: string;
  readonly trusted: boolean;
  readonly info?: NodeTypeInfo;
  /** Only where the node was tried. */
  readonly trial?: CustomTrial;
  /** `where.row` is the line of the source, from 1. */
  readonly diagnostics: readonly Diagnostic[];
}

const source = z.string().max(200_000);

export const customCommands = {
  'custom.list': query<readonly CustomNode[]>()(z.strictObject({}), 'Custom nodes of the app'),
  /** The declaration files of the node API, for the editor's completion. */
  'custom.types': query<{ readonly files: Readonly<Record<string, string>>; readonly template: string }>()(
    z.strictObject({}),
    'Types of the node API',
  ),
  'custom.try': query<CustomNode>()(
    z.strictObject({
      name: nameSchema,
      source,
      /** Values of parameters; the defaults otherwise. */
      params: z.record(z.string().max(100), z.union([z.string().max(10_000), z.number(), z.boolean()])).prefault({}),
    }),
    'Compile and trace a custom node without keeping it',
  ),
  'custom.save': mutation<CustomNode>()(
    z.strictObject({ name: nameSchema, source }),
    'Keep a custom node and put it into the palette',
  ),
  /** Sources that were typed and not saved, by the names of their nodes. */
  'custom.drafts': query<Readonly<Record<string, string>>>()(z.strictObject({}), 'Unsaved sources of custom nodes'),
  'custom.draft': mutation<Record<string, never>>()(
    z.strictObject({ name: nameSchema, source: source.exactOptional() }),
    'Keep what was typed of a custom node, or forget it',
  ),
  'custom.remove': mutation<Record<string, never>>()(z.strictObject({ name: nameSchema }), 'Remove a custom node'),
  'custom.trust': mutation<CustomNode>()(
    z.strictObject({ name: nameSchema, hash: z.string().regex(/^[0-9a-f]{64}$/) }),
    'Allow the source with this hash to run',
  ),
} as const;
