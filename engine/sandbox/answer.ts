/**
 * Reads what the virtual machine answered. The text comes from a foreign program: nothing of it is believed before it has
 * passed these schemas, and nothing of it is long, deep or named in a way that could hurt what reads it later.
 */
import { z } from 'zod';
import { jsonDepth } from '../base/jsonDepth.ts';
import { fail, ok, type Result } from '../base/result.ts';
import { parseAttrs } from '../ir/attrsText.ts';
import { DTYPES } from '../ir/types.ts';
import { FAMILIES } from '../nodekit/node.ts';
import { WIRE_KINDS } from '../nodekit/wires.ts';
import * as messages from './messages.ts';

export const MOST = {
  answer: 2_000_000,
  depth: 40,
  functions: 100,
  instructions: 4000,
  parameters: 500,
  /** Elements of one parameter or constant: 1 GiB in 32-bit floats. */
  elements: 2 ** 28,
  rank: 8,
} as const;

/** Names that reach paths, printed programs and emitted code: letters, digits and a few signs, in parts between slashes. */
export const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/;
const PATH = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}(?:\/[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}){0,15}$/;
/** Keys that are no names of anything, because they mean something to JavaScript itself. */
const RESERVED: ReadonlySet<string> = new Set([
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'valueOf',
  'hasOwnProperty',
]);

const name = z
  .string()
  .regex(NAME)
  .refine((s) => !RESERVED.has(s));
const path = z
  .string()
  .regex(PATH)
  .refine((s) => s.split('/').every((part) => !RESERVED.has(part)));
/** Text that people read: any letters, no control characters. */
const words = (most: number) =>
  z
    .string()
    .max(most)
    // eslint-disable-next-line no-control-regex -- control characters are exactly what is refused
    .regex(/^[^\u0000-\u0008\u000b-\u001f\u007f\u2028\u2029\u202a-\u202e\u2066-\u2069]*$/);
const id = z.int().min(0).max(1_000_000);
const finite = z.number();
const dimText = z
  .string()
  .max(60)
  .regex(/^-?[\w*]+(?:[+-][\w*]+)*$/);
const dim = z.union([
  z
    .int()
    .min(0)
    .max(2 ** 31),
  dimText,
]);
const dtype = z.enum(DTYPES);
const type = z
  .string()
  .max(300)
  .regex(/^\w{1,8}\[[\w*,+-]*\]$/);
const shape = z.array(dim).max(MOST.rank);
const axis = z.int().min(-MOST.rank).max(MOST.rank);
const scalar = z.union([finite, z.boolean(), words(2000)]);

/** Attributes by their names, whatever the op; `replay.ts` asks for exactly those of the op. */
const attrsSchema = z.strictObject({
  approximate: z.enum(['none', 'tanh']).exactOptional(),
  dtype: dtype.exactOptional(),
  shape: shape.exactOptional(),
  value: z.union([finite, z.literal(Infinity), z.literal(-Infinity)]).exactOptional(),
  of: dim.exactOptional(),
  size: dim.exactOptional(),
  perm: z.array(axis).max(MOST.rank).exactOptional(),
  axis: axis.exactOptional(),
  start: dim.exactOptional(),
  before: dim.exactOptional(),
  after: dim.exactOptional(),
  rows: dim.exactOptional(),
  batch: dim.exactOptional(),
  length: dim.exactOptional(),
  transposeA: z.boolean().exactOptional(),
  transposeB: z.boolean().exactOptional(),
  axes: z.array(axis).max(MOST.rank).exactOptional(),
  keep: z.boolean().exactOptional(),
  epsilon: finite.min(0).max(1).exactOptional(),
  heads: z.int().min(1).max(65_536).exactOptional(),
  scale: finite.exactOptional(),
  causal: z.boolean().exactOptional(),
  prefix: dim.exactOptional(),
  dropout: z.boolean().exactOptional(),
  ignoreIndex: z.int().exactOptional(),
  site: path.exactOptional(),
  distribution: z
    .union([
      z.strictObject({ kind: z.literal('keep'), p: finite.min(0).max(0.999) }),
      z.strictObject({ kind: z.enum(['uniform', 'normal']) }),
    ])
    .exactOptional(),
});

const initSchema = z.union([
  z.strictObject({ kind: z.literal('constant'), value: finite }),
  z.strictObject({ kind: z.literal('normal'), mean: finite, std: finite.min(0) }),
  z.strictObject({ kind: z.literal('truncatedNormal'), std: finite.min(0), limit: finite.min(0) }),
  z.strictObject({ kind: z.literal('uniform'), low: finite, high: finite }),
  z.strictObject({ kind: z.literal('diagonal'), diagonal: finite, rest: finite }),
  z.strictObject({ kind: z.literal('copy'), weight: path }),
  z.strictObject({ kind: z.literal('rowNorm'), weight: path, inputAxis: z.union([z.literal(0), z.literal(1)]) }),
  z.strictObject({
    kind: z.literal('sampleRows'),
    weight: path,
    among: z
      .int()
      .min(1)
      .max(2 ** 31),
  }),
]);

const declarationSchema = z.union([
  z.strictObject({
    name: path,
    role: z.literal('trainable'),
    type,
    scope: z.enum(['layer', 'stack', 'model']),
    init: initSchema,
    decay: z.boolean(),
    initFrom: path.exactOptional(),
  }),
  z.strictObject({
    name: path,
    role: z.literal('weight'),
    type,
    scope: z.enum(['layer', 'stack', 'model']),
    // Weights of the model's own checkpoint alone; names are looked up in its header, never on the disk.
    source: z.strictObject({
      artifact: z.literal('backbone'),
      tensor: z
        .string()
        .max(200)
        .regex(/^[A-Za-z0-9_.{}-]+$/),
    }),
  }),
  z.strictObject({
    name: z.enum(['rng/key', 'rng/tokens', 'rng/examples']),
    role: z.literal('input'),
    type,
    scope: z.literal('model'),
  }),
]);
export type AnswerDeclaration = z.output<typeof declarationSchema>;

const instrSchema = z.union([
  z.strictObject({
    op: z.string().max(40),
    attrs: attrsSchema,
    in: z.array(id).max(200),
    out: z.array(id).max(8),
  }),
  z.strictObject({
    call: z
      .string()
      .max(100)
      .regex(/^(?:base:\w+|\w+)$/),
    site: z.union([path, z.literal('')]),
    region: z.enum(['plain', 'checkpoint']),
    in: z.array(id).max(1000),
    out: z.array(id).max(200),
  }),
]);
export type AnswerOp = Extract<z.output<typeof instrSchema>, { readonly op: string }>;
export type AnswerCall = Exclude<z.output<typeof instrSchema>, { readonly op: string }>;

const originSchema = z.strictObject({
  nodeType: z
    .string()
    .max(100)
    .regex(/^[A-Za-z][\w.-]*$/),
  doc: words(2000),
  args: z.record(name, scalar),
});
const fnSchema = z.strictObject({
  name: z.string().max(100).regex(/^\w+$/),
  origin: originSchema.exactOptional(),
  params: z
    .array(z.strictObject({ id, name: path, role: z.enum(['input', 'weight', 'trainable']), type }))
    .max(MOST.parameters),
  body: z.array(instrSchema).max(MOST.instructions),
  results: z.array(z.strictObject({ name: path, id })).max(200),
  names: z.array(z.tuple([id, path])).max(20_000),
});
export type AnswerFn = z.output<typeof fnSchema>;

const programSchema = z.strictObject({
  functions: z.array(fnSchema).max(MOST.functions),
  main: fnSchema,
  wires: z.int().min(0).max(1000),
  declarations: z.array(declarationSchema).max(MOST.parameters),
  taps: z.array(path).max(100),
});
export type AnswerProgram = z.output<typeof programSchema>;

const outputSchema = z.union([
  z.strictObject({
    kind: z.literal('transform'),
    class: z.enum(['input-rotation', 'additive', 'row-scale', 'replaces-base']),
    delta: z.boolean(),
  }),
  z.strictObject({
    kind: z.enum(['tensor', 'tokens', 'affine', 'kv', 'loss']),
    count: z.int().min(1).max(4),
    epsilon: finite.min(0).max(1).exactOptional(),
    coefficient: finite.exactOptional(),
  }),
]);
export type AnswerOutput = z.output<typeof outputSchema>;

const buildSchema = programSchema.extend({
  outputs: z
    .array(z.tuple([name, outputSchema]))
    .min(1)
    .max(20),
});
export type AnswerBuild = z.output<typeof buildSchema>;

const portSchema = z.strictObject({
  kind: z.enum(WIRE_KINDS),
  doc: words(500),
  many: z.boolean().exactOptional(),
  optional: z.boolean().exactOptional(),
});
const ports = z.record(name, portSchema).refine((p) => Object.keys(p).length <= 20);
const paramBase = { help: words(500), unit: words(20).exactOptional() };
const paramSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('int'), default: z.int(), min: finite, max: finite, ...paramBase }),
  z.strictObject({ kind: z.literal('number'), default: finite, min: finite, max: finite, ...paramBase }),
  z.strictObject({ kind: z.literal('bool'), default: z.boolean(), ...paramBase }),
  z.strictObject({
    kind: z.literal('choice'),
    default: words(100),
    choices: z.array(words(100)).min(1).max(100),
    ...paramBase,
  }),
  z.strictObject({ kind: z.literal('text'), default: words(2000), ...paramBase }),
]);
const definitionSchema = z.strictObject({
  type: z.string().max(60),
  version: z.int().min(1).max(1_000_000),
  docs: z.strictObject({
    title: words(60).min(1),
    family: z.enum(FAMILIES),
    help: words(500),
    equation: words(1000).exactOptional(),
    paper: words(500).exactOptional(),
  }),
  inputs: ports,
  outputs: ports.refine((p) => Object.keys(p).length > 0),
  params: z.record(name, paramSchema).refine((p) => Object.keys(p).length <= 60),
  bypass: z.union([
    z.strictObject({ kind: z.literal('pass'), from: z.record(name, name) }),
    z.strictObject({ kind: z.enum(['absent', 'none']) }),
  ]),
  peft: z
    .strictObject({
      startPoint: z.union([
        z.strictObject({ kind: z.enum(['identity', 'shifted']) }),
        z.strictObject({ kind: z.literal('near-identity'), tolerance: finite.min(0) }),
      ]),
      mergeable: z.boolean(),
    })
    .exactOptional(),
  inline: z.boolean().exactOptional(),
  bank: z.boolean().exactOptional(),
  asSource: z.boolean(),
});
export type AnswerDefinition = z.output<typeof definitionSchema>;

const errorSchema = z.object({
  error: z.object({ message: z.string(), stack: z.string(), name: z.string(), fix: z.unknown().optional() }),
});
export interface VmError {
  readonly message: string;
  readonly stack: string;
  readonly name: string;
  readonly fix: string | undefined;
}

export const SCHEMAS = { describe: definitionSchema, build: buildSchema, program: programSchema } as const;

const short = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most)}...` : text);

/** Whether a record somewhere has a field that sets prototypes; schemas would pass it over. The depth is limited before. */
function holdsPrototype(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(holdsPrototype);
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(holdsPrototype);
}

/** The answer if it has the form that was asked for; else the node's own error, or why the answer is refused. */
export function readAnswer<S extends z.ZodType>(
  text: string,
  schema: S,
): Result<z.output<S>, { readonly own: VmError } | { readonly refused: messages.NodeProblem }> {
  if (text.length > MOST.answer) return fail({ refused: messages.tooLarge('characters', text.length, MOST.answer) });
  if (jsonDepth(text) > MOST.depth) return fail({ refused: messages.notAnAnswer('data nested too deeply') });
  let value: unknown;
  try {
    value = parseAttrs(text);
  } catch {
    return fail({ refused: messages.notAnAnswer('text that is no JSON') });
  }
  if (holdsPrototype(value)) return fail({ refused: messages.notAnAnswer('a field named "__proto__"') });
  const own = errorSchema.safeParse(value);
  if (own.success) {
    const { message, stack, name: kind, fix } = own.data.error;
    return fail({
      own: {
        message: short(message, 500),
        stack: short(stack, 5000),
        name: short(kind, 100),
        fix: typeof fix === 'string' && fix !== '' ? short(fix, 500) : undefined,
      },
    });
  }
  const whole = z.strictObject({ ok: z.unknown() }).safeParse(value);
  if (!whole.success) return fail({ refused: messages.notAnAnswer('data of another form') });
  const parsed = schema.safeParse(whole.data.ok);
  if (parsed.success) return ok(parsed.data);
  const issue = parsed.error.issues[0];
  const at = issue?.path.map(String).join('.') ?? '';
  return fail({
    refused: messages.notAnAnswer(
      `${short(at === '' ? 'the answer' : `"${at}"`, 200)} ${short(reason(issue?.message), 200)}`,
    ),
  });
}

/** The words of a schema's finding within a sentence. */
const reason = (message = 'is not valid'): string => `is not what it must be (${message.replace(/\.$/, '')})`;
