/** The patch that names a file anew in a parameter of a step. */
import type { Patch } from '../../protocol/api/patch.ts';
import type { Document } from '../../protocol/document.ts';
import { stepType } from '../../workflow/stepTypes.ts';
import { userProblem } from '../problems.ts';

/** @param step the step's id, or `container/step` and `container[item]/step` for one inside a for-each step */
export function relocation(document: Document, step: string, param: string, file: string): Patch {
  const [container, item, inner] = parts(step);
  const outer = document.workflow.nodes[container as never];
  const target = inner === undefined ? outer : outer?.body?.nodes[inner as never];
  if (!outer || !target) {
    throw userProblem('step-missing', 'The workflow has no such step.', 'Choose another step.', { found: step });
  }
  if (stepType(target.type)?.params[param]?.kind !== 'path') {
    throw userProblem('param-no-file', 'This parameter names no file.', 'Choose another parameter.', { found: param });
  }
  const base = ['workflow', 'nodes', container];
  if (inner === undefined) return [{ path: [...base, 'params', param], value: file }];
  if (item === undefined) return [{ path: [...base, 'body', 'nodes', inner, 'params', param], value: file }];
  const items = (outer.items ?? []).map((row) =>
    row.name === item ? { ...row, set: { ...row.set, [inner]: { ...row.set[inner as never], [param]: file } } } : row,
  );
  return [{ path: [...base, 'items'], value: items }];
}

function parts(step: string): readonly [string, string | undefined, string | undefined] {
  const found = /^([^/[\]]+)(?:\[([^\]]+)\])?(?:\/(.+))?$/.exec(step);
  return [found?.[1] ?? step, found?.[2], found?.[3]];
}
