/** Node and step types by name; made once per catalog. */
import type {
  Catalog,
  MethodInfo,
  NodeTypeInfo,
  ParamInfo,
  StepTypeInfo,
} from '../../../engine/protocol/api/catalog.ts';

export interface TypeIndex {
  readonly nodes: readonly NodeTypeInfo[];
  readonly steps: readonly StepTypeInfo[];
  readonly methods: readonly MethodInfo[];
  readonly node: (type: string) => NodeTypeInfo | undefined;
  readonly step: (type: string) => StepTypeInfo | undefined;
}

const indexes = new WeakMap<Catalog, TypeIndex>();

export function indexCatalog(catalog: Catalog): TypeIndex {
  const known = indexes.get(catalog);
  if (known) return known;
  const nodes = new Map(catalog.nodes.map((n) => [n.type, n]));
  const steps = new Map(catalog.steps.map((s) => [s.type, s]));
  const made: TypeIndex = {
    nodes: catalog.nodes,
    steps: catalog.steps,
    methods: catalog.methods,
    node: (type) => nodes.get(type),
    step: (type) => steps.get(type),
  };
  indexes.set(catalog, made);
  return made;
}

export const NO_TYPES: TypeIndex = indexCatalog({ nodes: [], methods: [], steps: [], templates: [] });

/** Whether nodes of this type train something of their own. */
export const isTrainableType = (info: NodeTypeInfo | undefined): boolean =>
  info !== undefined && (info.peft !== undefined || (info.family === 'head' && 'logits' in info.outputs));

export type ParamDefaults = Readonly<Record<string, ParamInfo>>;
