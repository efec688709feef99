/** Names of classes: by the node they come from; layers of one stack that differ are told apart by what they carry. */
import type { Fn } from '../../ir/program.ts';
import { partsOfPath } from './naming.ts';
import type { Prepared } from './prepare.ts';
import { Namer, type Ident } from './python/identifiers.ts';

/** What the layers of the program carry, in words; all of them share `common`. */
export interface Features {
  of(fn: string): readonly string[];
  readonly common: ReadonlySet<string>;
}

const LAYER = 'Layer';

export function featuresOf(prepared: Prepared): Features {
  const features = new Map<string, readonly string[]>();
  for (const fn of prepared.functions.values())
    if (fn.origin?.nodeType === LAYER) features.set(fn.name, modulesIn(fn, prepared));
  const all = [...features.values()];
  const common = new Set((all[0] ?? []).filter((word) => all.every((list) => list.includes(word))));
  return { of: (name) => features.get(name) ?? [], common };
}

/** The modules of a layer: node types of its parts, and first words of the nodes whose parameters its own ops train. */
function modulesIn(fn: Fn, prepared: Prepared): string[] {
  const words = new Set<string>();
  const owned = new Set(fn.body.flatMap((i) => (i.kind === 'op' ? i.inputs : [])));
  for (const instr of fn.body) {
    if (instr.kind === 'call') words.add(typeWord(prepared.functions.get(instr.fn)?.origin?.nodeType ?? instr.fn));
  }
  for (const p of fn.params) {
    const node = partsOfPath(p.name).at(-2);
    if (p.role === 'trainable' && owned.has(p.id) && node !== undefined) words.add(node.split(/[_-]/)[0] ?? node);
  }
  return [...words];
}

const typeWord = (nodeType: string): string => nodeType.split('.').at(-1) ?? nodeType;

/** Words of PyTorch that would mislead as names of other things. */
const TAKEN: ReadonlySet<string> = new Set([
  'linear',
  'dropout',
  'embedding',
  'layernorm',
  'attention',
  'module',
  'parameter',
]);

/** Names of classes, each once. Two classes of one node type are told apart by the choices that they differ in. */
export class ClassNames {
  readonly #features: Features;
  readonly #namer = new Namer('class', ['Model', 'ModelOutput', 'Attention', 'Tensor', 'NamedTuple', 'PathLike']);
  readonly #first = new Map<string, Fn>();

  constructor(features: Features) {
    this.#features = features;
  }

  mint(fn: Fn): Ident {
    const hint = classHint(fn, this.#features);
    const first = this.#first.get(hint);
    if (!first) this.#first.set(hint, fn);
    return this.#namer.mint(first ? `${hint} ${differences(fn, first)}` : hint);
  }
}

/** `with gelu`: what a node's choices and switches are where those of the first class of its type are others. */
function differences(fn: Fn, first: Fn): string {
  const words = Object.entries(fn.origin?.args ?? {}).flatMap(([key, value]) => {
    if (value === first.origin?.args[key] || typeof value === 'number') return [];
    return typeof value === 'string' ? [value] : [value ? key : `no ${key}`];
  });
  return words.length === 0 ? '' : `with ${words.join(' and ')}`;
}

function classHint(fn: Fn, features: Features): string {
  const nodeType = fn.origin?.nodeType ?? fn.name;
  if (nodeType === LAYER) {
    const own = features.of(fn.name).filter((word) => !features.common.has(word));
    return own.length === 0 ? LAYER : `${LAYER} with ${own.join(' and ')}`;
  }
  const [family, ...rest] = nodeType.split('.');
  const last = rest.at(-1) ?? family ?? nodeType;
  return family === 'head' || TAKEN.has(last.toLowerCase()) ? `${last} ${family}` : last;
}
