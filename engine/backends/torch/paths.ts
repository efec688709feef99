/** Where every parameter of the entry ended up: the attribute paths of the model, the first one first. */
import { must } from '../../base/errors.ts';
import type { FnParam, ValueId } from '../../ir/program.ts';
import type { Attributes } from './attributes.ts';
import type { Draft } from './draft.ts';
import type { Prepared } from './prepare.ts';

export interface ParameterPaths {
  /** Attribute paths by the entry's name of the parameter. */
  readonly paths: ReadonlyMap<string, readonly string[]>;
  /** The paths of one parameter that stands in several places. */
  readonly ties: readonly (readonly string[])[];
}

export function parameterPaths(
  prepared: Prepared,
  root: Attributes,
  drafts: ReadonlyMap<string, Draft>,
): ParameterPaths {
  const paths = new Map<string, string[]>();
  const visit = (attributes: Attributes, bound: ReadonlyMap<ValueId, string>, prefix: string): void => {
    for (const [path, id] of attributes.tensors) {
      const entry = must(bound.get(id), `${prefix}${path} is a parameter of the entry`);
      paths.set(entry, [...(paths.get(entry) ?? []), prefix + path]);
    }
    for (const child of attributes.children) {
      const draft = must(drafts.get(child.fn), child.fn);
      const inner = new Map<ValueId, string>();
      draft.fn.params.forEach((p: FnParam, i) => {
        const entry = bound.get(child.inputs[i] as ValueId);
        if (entry !== undefined && p.role !== 'input') inner.set(p.id, entry);
      });
      visit(draft.attributes, inner, `${prefix}${child.path}.`);
    }
  };
  const entries = new Map(
    prepared.root.params.map((p) => [p.id, must(prepared.entryNames.get(p.name), p.name)] as const),
  );
  visit(root, entries, '');
  return { paths, ties: [...paths.values()].filter((list) => list.length > 1) };
}
