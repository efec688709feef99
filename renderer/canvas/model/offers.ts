/** What can be added: the palette's entries with their families, and a search that is done with each keystroke. */
import type { Catalog, MethodInfo, NodeTypeInfo, StepTypeInfo } from '../../../engine/protocol/api/catalog.ts';
import type { NodeId } from '../../../engine/protocol/ids.ts';
import type { ModelAddress } from '../../../engine/protocol/edit.ts';
import { attachWay } from './building.ts';
import type { WireContext } from './compatible.ts';
import { typePorts } from './compatible.ts';

export interface Offer {
  readonly key: string;
  readonly title: string;
  readonly help: string;
  readonly family: string;
  readonly type?: NodeTypeInfo;
  readonly method?: MethodInfo;
  readonly step?: StepTypeInfo;
  /** Everything that a search looks in, in small letters. */
  readonly text: string;
}

export const FAMILIES: readonly { readonly id: string; readonly title: string }[] = [
  { id: 'step', title: 'Steps' },
  { id: 'method', title: 'Methods' },
  { id: 'reparameterised', title: 'Reparameterised' },
  { id: 'additive', title: 'Additive' },
  { id: 'selective', title: 'Selective' },
  { id: 'prompt', title: 'Prompt' },
  { id: 'composition', title: 'Composition' },
  { id: 'layer', title: 'Layers' },
  { id: 'head', title: 'Heads' },
  { id: 'loss', title: 'Losses' },
  { id: 'input', title: 'Inputs' },
  { id: 'custom', title: 'Custom' },
];

const known = new WeakMap<Catalog, readonly Offer[]>();

export function offersOf(catalog: Catalog): readonly Offer[] {
  const before = known.get(catalog);
  if (before) return before;
  const methods = catalog.methods.map((m): Offer => ({
    key: `method:${m.name}`,
    title: m.title,
    help: m.help,
    family: 'method',
    method: m,
    text: `${m.title} ${m.name} ${m.help} method`.toLowerCase(),
  }));
  const nodes = catalog.nodes.map((n): Offer => ({
    key: n.type,
    title: n.title,
    help: n.help,
    family: FAMILIES.some((f) => f.id === n.family) ? n.family : 'custom',
    type: n,
    text: `${n.title} ${n.type} ${n.family} ${n.help} ${n.paper ?? ''}`.toLowerCase(),
  }));
  const order = new Map(FAMILIES.map((f, i) => [f.id, i]));
  const all = [...methods, ...nodes].sort((a, b) => (order.get(a.family) ?? 99) - (order.get(b.family) ?? 99));
  known.set(catalog, all);
  return all;
}

const knownSteps = new WeakMap<Catalog, readonly Offer[]>();

/** Steps of the workflow; containers are made by their own dialog. */
export function stepOffersOf(catalog: Catalog): readonly Offer[] {
  const before = knownSteps.get(catalog);
  if (before) return before;
  const all = catalog.steps.map((s): Offer => ({
    key: s.type,
    title: s.title,
    help: s.help,
    family: 'step',
    step: s,
    text: `${s.title} ${s.type} ${s.help}`.toLowerCase(),
  }));
  knownSteps.set(catalog, all);
  return all;
}

/** Entries that hold all words; titles that begin with the text come first, the rest keeps its order. */
export function searchOffers(offers: readonly Offer[], text: string): readonly Offer[] {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((w) => w !== '');
  if (words.length === 0) return offers;
  const found = offers.filter((o) => words.every((w) => o.text.includes(w)));
  const rank = (o: Offer): number => {
    const title = o.title.toLowerCase();
    const name = o.type?.type.split('.').at(-1)?.toLowerCase() ?? o.method?.name ?? '';
    const first = words[0] ?? '';
    if (title === first || name === first) return 0;
    if (title.startsWith(first) || name.startsWith(first)) return 1;
    return title.includes(first) ? 2 : 3;
  };
  return [...found].sort((a, b) => rank(a) - rank(b));
}

/** Types that would take a loose wire of a kind, or give one. */
export const offersForWire = (
  offers: readonly Offer[],
  context: WireContext,
  kind: string,
  side: 'in' | 'out',
): readonly Offer[] =>
  offers.filter((o) => o.type !== undefined && typePorts(o.type.type, context.types, kind, side).length > 0);

/** Types that attach to at least one of the nodes. */
export const offersForNodes = (
  offers: readonly Offer[],
  context: WireContext,
  at: ModelAddress,
  nodes: readonly NodeId[],
): readonly Offer[] =>
  offers.filter((o) => {
    const type = o.type;
    return type?.peft !== undefined && nodes.some((n) => attachWay(context, at, type.type, n) !== undefined);
  });
