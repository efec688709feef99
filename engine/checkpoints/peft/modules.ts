/**
 * Which modules of a model a PEFT configuration means, by PEFT's own rules, and the other way round: a short choice that
 * means exactly the wanted modules. Names are those of transformers (`bert.encoder.layer.0.attention.self.query`).
 */
import type { Ia3Config, LnTuningConfig, LoraConfig, ModuleChoice } from './config.ts';

/** A leaf of the model. Heads are saved whole and never adapted. */
export interface ModelModule {
  readonly name: string;
  readonly kind: 'linear' | 'norm' | 'embedding' | 'head';
}

/**
 * Whether a regular expression of a foreign file may be run: groups that repeat, look around or refer back could take very
 * long, and so could more than four repetitions.
 */
export function isSafePattern(pattern: string): boolean {
  const repeats = pattern.match(/\\.|[*+{]/g)?.filter((m) => !m.startsWith('\\')).length ?? 0;
  if (pattern.length > 512 || repeats > 4 || /\)[*+{]|\(\?(?!:)|\\[1-9]|\\k/.test(pattern)) return false;
  try {
    return new RegExp(`(?:${pattern})`, 'u').source !== '';
  } catch {
    return false;
  }
}

/** Patterns were checked when the file was read, so that one that cannot be compiled here is our mistake. */
const wholeName = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`, 'u');
const endOfName = (pattern: string): RegExp => new RegExp(`^(?:.*\\.)?(?:${pattern})$`, 'u');

/** Whether a choice means a module; layers are not looked at here. */
export function matches(choice: ModuleChoice, module: ModelModule): boolean {
  switch (choice.kind) {
    case 'names':
      return choice.names.some((n) => module.name === n || module.name.endsWith(`.${n}`));
    case 'pattern':
      return wholeName(choice.pattern).test(module.name);
    case 'all-linear':
      return module.kind === 'linear';
  }
}

/** The modules that a configuration adapts. Those of kind `embedding` among them cannot be adapted here. */
export function adaptedModules(
  config: LoraConfig | Ia3Config | LnTuningConfig,
  modules: readonly ModelModule[],
): readonly ModelModule[] {
  const { targets, exclude } = config;
  return modules.filter((m) => {
    if (m.kind === 'head' || (exclude && matches(exclude, m)) || !matches(targets, m)) return false;
    if (config.type !== 'LORA' || config.layers === undefined || targets.kind !== 'names') return true;
    if (targets.names.includes(m.name)) return true;
    const layer = layerOf(m.name, config.layerWords);
    return layer !== undefined && config.layers.includes(layer);
  });
}

/** The number of the layer in a module's name: after one of the words, or the first number after two parts. */
export function layerOf(name: string, words: readonly string[]): number | undefined {
  const parts = name.split('.');
  const at = parts.findIndex((p, i) => {
    if (!/^\d+$/.test(p) || i === parts.length - 1) return false;
    return words.length > 0 ? words.includes(parts[i - 1] ?? '') : i >= 2;
  });
  return at < 0 ? undefined : Number(parts[at]);
}

export const isLayerWord = (word: string): boolean => /^[A-Za-z0-9_]+$/.test(word);

/** What holds for a module: the value of the first pattern that its name ends in, else the general one. */
export function patternValue(patterns: ReadonlyMap<string, number>, module: string, general: number): number {
  for (const [pattern, value] of patterns) if (endOfName(pattern).test(module)) return value;
  return general;
}

/** Whether (IA)3 scales the input of a module. PEFT compares the ends of names without a dot before them. */
export const isFeedforward = (choice: ModuleChoice, module: ModelModule): boolean =>
  choice.kind === 'names' ? choice.names.some((n) => module.name.endsWith(n)) : matches(choice, module);

export interface NamedChoice {
  readonly names: readonly string[];
  /** The layers that are meant; undefined: the names alone say it. */
  readonly layers: readonly number[] | undefined;
}

/**
 * Names that mean exactly the wanted modules. The shortest ends of names that serve all layers, with the layers beside
 * them when `byLayer` allows it, else one name with a layer's number for each module.
 */
export function chooseNames(wanted: readonly string[], modules: readonly ModelModule[], byLayer: boolean): NamedChoice {
  const all = modules.filter((m) => m.kind !== 'head').map((m) => m.name);
  const layers = byLayer ? commonLayers(wanted, all) : undefined;
  const inLayers = (name: string): boolean => {
    const layer = layerOf(name, []);
    return layers === undefined || (layer !== undefined && layers.includes(layer));
  };
  const names = new Set<string>();
  const isWanted = new Set(wanted);
  for (const name of wanted) {
    const ends = endsOf(name);
    const end = ends.find((e) => all.every((n) => !n.endsWith(`.${e}`) || isWanted.has(n) || !inLayers(n)));
    names.add(end ?? withLayer(name));
  }
  return { names: [...names].sort(), layers };
}

/** The layers that every kind of wanted module is wanted in, when they are the same and not all. */
function commonLayers(wanted: readonly string[], all: readonly string[]): readonly number[] | undefined {
  const layers = wanted.map((n) => layerOf(n, []));
  if (layers.includes(undefined)) return undefined;
  const chosen = [...new Set(layers as number[])].sort((a, b) => a - b);
  const every = new Set(all.flatMap((n) => layerOf(n, []) ?? []));
  const kinds = new Set(wanted.map(withoutLayer));
  const isWhole = wanted.length === kinds.size * chosen.length;
  return isWhole && chosen.length < every.size ? chosen : undefined;
}

/** `dense`, `output.dense`, ... up to all that stands behind the layer's number. */
function endsOf(name: string): string[] {
  const parts = withoutLayer(name).split('.');
  return parts.map((_, i) => parts.slice(parts.length - 1 - i).join('.'));
}

/** `attention.self.query`; of a module outside of the layers the whole name. */
const withoutLayer = (name: string): string => name.replace(/^.*?\.\d+\./, '');

/** From the word before the layer's number on: `layer.0.output.dense`. */
const withLayer = (name: string): string => /[^.]+\.\d+\..*$/.exec(name)?.[0] ?? name;
