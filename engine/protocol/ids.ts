/**
 * Branded ids of the document and the one rule for their text. Ids are short, start with a letter or underscore (so that
 * no object key is integer-like and reordered by JavaScript), and hold no dot, slash or colon (so that `main:stack/q.r`
 * can be taken apart without escapes). What an id refers to is checked in `structure/`, not here.
 */
import { z } from 'zod';
import type { Brand } from '../base/brand.ts';
import { BugError } from '../base/errors.ts';

export type ModelId = Brand<string, 'ModelId'>;
export type NodeId = Brand<string, 'NodeId'>;
export type PortId = Brand<string, 'PortId'>;
export type RecipeId = Brand<string, 'RecipeId'>;
export type SharedSetId = Brand<string, 'SharedSetId'>;
export type BankId = Brand<string, 'BankId'>;
/** The text of a node exactly as it stood in the file. */
export type RawText = Brand<string, 'RawText'>;

type Id = ModelId | NodeId | PortId | RecipeId | SharedSetId | BankId;

/** Keys that would reach into an object's prototype; refused everywhere in a document. */
export const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

const IDENTIFIER_TEXT = '(?!(?:__proto__|constructor|prototype)$)[A-Za-z_][A-Za-z0-9_-]{0,127}';
const IDENTIFIER = new RegExp(`^${IDENTIFIER_TEXT}$`);
const ENDPOINT = new RegExp(`^(?:\\$in|\\$out|${IDENTIFIER_TEXT})$`);

/** What an identifier may look like, in words. */
export const IDENTIFIER_RULE = 'a letter or "_" followed by letters, digits, "_" or "-", at most 128 characters';

export const isIdentifier = (text: string): boolean => IDENTIFIER.test(text);

/** Mints an id of the program's own making. Text from outside goes through the schemas instead. */
export function mintId<T extends Id>(text: string): T {
  if (!isIdentifier(text)) throw new BugError(`not an identifier: ${JSON.stringify(text)}`);
  return text as T;
}
export const modelId = (text: string): ModelId => mintId<ModelId>(text);
export const nodeId = (text: string): NodeId => mintId<NodeId>(text);
export const portId = (text: string): PortId => mintId<PortId>(text);
export const recipeId = (text: string): RecipeId => mintId<RecipeId>(text);
export const sharedSetId = (text: string): SharedSetId => mintId<SharedSetId>(text);
export const bankId = (text: string): BankId => mintId<BankId>(text);

/** The two sides of the wall of a body: `$in` gives what enters the container, `$out` takes what leaves it. */
export const WALL_IN = '$in' as NodeId;
export const WALL_OUT = '$out' as NodeId;
export const isWall = (node: NodeId): boolean => node === WALL_IN || node === WALL_OUT;

/** The only cast from checked text to a brand: zod's own brands would not be those of `base/brand.ts`. */
const branded = <T extends string>(pattern: RegExp): z.ZodType<T, string> =>
  z.string().regex(pattern) as unknown as z.ZodType<T, string>;

export const identifierSchema = z.string().regex(IDENTIFIER);
export const modelIdSchema = branded<ModelId>(IDENTIFIER);
export const nodeIdSchema = branded<NodeId>(IDENTIFIER);
export const endpointNodeSchema = branded<NodeId>(ENDPOINT);
export const portIdSchema = branded<PortId>(IDENTIFIER);
export const recipeIdSchema = branded<RecipeId>(IDENTIFIER);
export const sharedSetIdSchema = branded<SharedSetId>(IDENTIFIER);
export const bankIdSchema = branded<BankId>(IDENTIFIER);
export const rawTextSchema = z.string() as unknown as z.ZodType<RawText, string>;

/** A record without a prototype, so that no id can meet `toString` or another inherited name. */
export function recordOf<K extends string, V>(entries: Iterable<readonly [K, V]>): Readonly<Record<K, V>> {
  const record = Object.create(null) as Record<K, V>;
  for (const [key, value] of entries) record[key] = value;
  return record;
}

/** The entries of an id-keyed record with the key's brand kept. */
export const entriesOf = <K extends string, V>(record: Readonly<Record<K, V>>): (readonly [K, V])[] =>
  Object.entries(record) as [K, V][];

/** A copy of `record` with one entry set; an entry that was there keeps its place in the order. */
export const withEntry = <K extends string, V>(
  record: Readonly<Record<K, V>>,
  key: K,
  value: V,
): Readonly<Record<K, V>> => recordOf<K, V>([...entriesOf<K, V>(record), [key, value]]);

/** A copy of `record` without the entry `key`. */
export const withoutEntry = <K extends string, V>(record: Readonly<Record<K, V>>, key: K): Readonly<Record<K, V>> =>
  recordOf<K, V>(entriesOf<K, V>(record).filter(([k]) => k !== key));
