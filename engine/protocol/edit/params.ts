/**
 * Setting parameters, by value and by the text form of the command line (`node.param=value`, `node.param@4-5=value`). A
 * parameter that a node takes from its recipe is set in the recipe, so that one edit changes all its users; one that the
 * node holds itself stays its own.
 */
import type { Diagnostic } from '../../base/errors.ts';
import { fail, ok, type Result } from '../../base/result.ts';
import type { AnyNode, Document, ParamValue, Params, Recipe, Scalar } from '../document.ts';
import { isIdentifier, withEntry, withoutEntry, type RecipeId } from '../ids.ts';
import { diagnose } from '../messages.ts';
import { resetToStack, setForAll, setForLayers, stackValue, type PlainValue } from '../params.ts';
import {
  editableNode,
  findNode,
  placeOfNode,
  refuse,
  replaceNode,
  stackAt,
  type EditResult,
  type NodeAddress,
} from './address.ts';

/** The value that a parameter has where the document does not say it, when the caller knows the node types. */
export type ParamDefault = (node: AnyNode, param: string) => PlainValue | undefined;

/** Where a parameter of a node is held, and what stands there. */
interface Holder {
  readonly value: ParamValue | undefined;
  readonly set: (params: (before: Params) => Params) => Document;
}

/** A parameter that may be edited: its node and, where it has one, its recipe are of a known type. */
function findHolder(
  document: Document,
  at: NodeAddress,
  param: string,
): Result<Holder & { readonly node: AnyNode }, readonly Diagnostic[]> {
  const node = editableNode(document, at);
  if (!node.ok) return node;
  if (!isIdentifier(param)) return refuse(diagnose('edit-name', placeOfNode(at), { name: param }));
  const id = 'recipe' in node.value ? node.value.recipe : undefined;
  const recipe = id === undefined ? undefined : document.recipes[id];
  if (recipe?.raw !== undefined) return refuse(diagnose('edit-node-kept', placeOfNode(at), { type: recipe.type }));
  return ok({ ...holderOf(document, at, node.value, param), node: node.value });
}

function holderOf(document: Document, at: NodeAddress, node: AnyNode, param: string): Holder {
  const id: RecipeId | undefined = 'recipe' in node ? node.recipe : undefined;
  const recipe: Recipe | undefined = id === undefined ? undefined : document.recipes[id];
  if (id === undefined || recipe === undefined || param in node.params) {
    return {
      value: node.params[param],
      set: (change) => replaceNode(document, at, { ...node, params: change(node.params) }),
    };
  }
  return {
    value: recipe.params[param],
    set: (change) => ({
      ...document,
      recipes: withEntry(document.recipes, id, { ...recipe, params: change(recipe.params) }),
    }),
  };
}

/** Sets a parameter everywhere; overrides for some layers go. */
export function setParam(document: Document, at: NodeAddress, param: string, value: PlainValue): EditResult {
  const holder = findHolder(document, at, param);
  return holder.ok ? ok(holder.value.set((p) => withEntry(p, param, setForAll(value)))) : holder;
}

/** Takes a parameter out of the document, so that the node type's own default holds. */
export function unsetParam(document: Document, at: NodeAddress, param: string): EditResult {
  const holder = findHolder(document, at, param);
  return holder.ok ? ok(holder.value.set((p) => withoutEntry(p, param))) : holder;
}

/** Sets a parameter for some layers of the stack around the node; the other layers stay. */
export function setParamForLayers(
  document: Document,
  at: NodeAddress,
  param: string,
  selection: string,
  value: Scalar,
  defaultOf: ParamDefault = () => undefined,
): EditResult {
  return changeLayers(document, at, param, defaultOf, (before, range) => setForLayers(before, selection, value, range));
}

/** Takes a parameter back to the stack's value for some layers. */
export function resetParamForLayers(document: Document, at: NodeAddress, param: string, selection: string): EditResult {
  return changeLayers(
    document,
    at,
    param,
    () => undefined,
    (before, range) => resetToStack(before, selection, range),
  );
}

function changeLayers(
  document: Document,
  at: NodeAddress,
  param: string,
  defaultOf: ParamDefault,
  change: (before: ParamValue, range: { readonly first: number; readonly repeat: number }) => Result<ParamValue>,
): EditResult {
  const found = findHolder(document, at, param);
  if (!found.ok) return found;
  const holder = found.value;
  const place = { ...placeOfNode(at), param };
  const stack = stackAt(document, at.graph);
  if (stack === undefined) return refuse(diagnose('layers-outside-stack', place, { field: param }));
  const before = holder.value ?? defaultOf(holder.node, param);
  if (before === undefined) return refuse(diagnose('edit-layers-no-base', place, { param }));
  if (Array.isArray(before)) return refuse(diagnose('edit-layers-of-list', place, { param }));
  const after = change(before, stack);
  if (!after.ok) return refuse(diagnose('edit-layers', place, { reason: after.error }));
  return ok(holder.set((p) => withEntry(p, param, after.value)));
}

const SETTING = /^([^=@]+)\.([^.=@]+)(?:@([^=]+))?=([^]*)$/;

/**
 * Applies one setting of the command line. The value takes the type of the one that is there (or of the default, when
 * `defaultOf` knows it); without either it is read as true, false, a number, a JSON list, or else a text.
 */
export function setParamText(document: Document, text: string, defaultOf: ParamDefault = () => undefined): EditResult {
  const [, name, param, selection, written] = SETTING.exec(text) ?? [];
  if (name === undefined || param === undefined || written === undefined) {
    return refuse(diagnose('edit-set-syntax', {}, { text }));
  }
  const at = findNode(document, name);
  if (!at.ok) return at;
  const holder = findHolder(document, at.value, param);
  if (!holder.ok) return holder;
  const present = holder.value.value ?? defaultOf(holder.value.node, param);
  const value = coerce(written, present === undefined ? undefined : stackValue(present));
  if (!value.ok) return refuse(valueDiagnostic(at.value, param, value.error, written));
  if (selection === undefined) return setParam(document, at.value, param, value.value);
  if (typeof value.value === 'object') {
    return refuse(diagnose('edit-layers-of-list', { ...placeOfNode(at.value), param }, { param }));
  }
  return setParamForLayers(document, at.value, param, selection, value.value, defaultOf);
}

function valueDiagnostic(at: NodeAddress, param: string, expected: string, found: string): Diagnostic {
  return diagnose('edit-value', { ...placeOfNode(at), param }, { expected, found: JSON.stringify(found) });
}

const NUMBER = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;

/** Reads a text as a value of the type of `like`. The error says what was expected. */
export function coerce(text: string, like: PlainValue | undefined): Result<PlainValue> {
  if (like === undefined) return ok(guess(text));
  if (typeof like === 'object') return coerceList(text, like[0]);
  return coerceScalar(text, like);
}

function coerceScalar(text: string, like: Scalar): Result<Scalar> {
  if (typeof like === 'string') return ok(text);
  const trimmed = text.trim();
  if (typeof like === 'boolean') {
    return trimmed === 'true' || trimmed === 'false' ? ok(trimmed === 'true') : fail('true or false');
  }
  const number = Number(trimmed);
  return NUMBER.test(trimmed) && Number.isFinite(number) ? ok(number === 0 ? 0 : number) : fail('a finite number');
}

/** A list as JSON, or as items with commas between them. */
function coerceList(text: string, like: Scalar | undefined): Result<PlainValue> {
  const written = jsonList(text);
  const items = written ?? (text.trim() === '' ? [] : text.split(',').map((item) => item.trim()));
  const list: Scalar[] = [];
  for (const item of items) {
    const value = typeof item === 'string' && written === undefined ? readItem(item, like) : ok(item);
    if (!value.ok) return fail(`a list whose items are ${value.error}`);
    if (like !== undefined && typeof value.value !== typeof like) return fail(`a list of ${typeof like}s`);
    list.push(value.value);
  }
  return ok(list);
}

const readItem = (text: string, like: Scalar | undefined): Result<Scalar> =>
  like === undefined ? ok(guessScalar(text)) : coerceScalar(text, like);

function guess(text: string): PlainValue {
  return jsonList(text) ?? guessScalar(text);
}

function guessScalar(text: string): Scalar {
  const trimmed = text.trim();
  if (trimmed === 'true' || trimmed === 'false') return trimmed === 'true';
  if (NUMBER.test(trimmed) && Number.isFinite(Number(trimmed))) return Number(trimmed) === 0 ? 0 : Number(trimmed);
  return text;
}

/** A JSON list of scalars, or `undefined` when the text is none. */
function jsonList(text: string): readonly Scalar[] | undefined {
  if (!text.trim().startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every(isScalar) ? value : undefined;
  } catch {
    return undefined;
  }
}

const isScalar = (value: unknown): value is Scalar =>
  typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
