/** How each step of the workflow stands: its problems, and whether it is up to date, runs or failed. */
import type { Diagnostic } from '../../../engine/base/errors.ts';
import { pillsOf } from '../../app/pills.ts';
import { isFresh, type EditorState } from '../../state/editor.ts';
import type { StepFacts } from '../model/workflowScene.ts';

export function stepFactsOf(state: EditorState): (path: string) => StepFacts | undefined {
  const { document, check, runs } = state;
  if (!document) return () => undefined;
  const diagnostics = check?.diagnostics ?? [];
  const pills = new Map(
    pillsOf({ document, diagnostics, fresh: isFresh(state), runs }).map((p) => [p.id as string, p]),
  );
  return (path) => {
    const pill = pills.get(path);
    const own = diagnostics.filter((d) => isOwn(d, path, pill?.model));
    return {
      state: pill?.state ?? (own.length > 0 ? 'error' : 'ok'),
      words: pill?.words ?? '',
      problems: own.map((d) => ({ severity: d.severity, text: `${d.message} ${d.fix}` })),
    };
  };
}

/** Problems inside of a model belong to the step that uses it. */
const isOwn = (d: Diagnostic, path: string, model: string | undefined): boolean =>
  d.severity !== 'info' && (d.where.model === undefined ? d.where.node === path : d.where.model === model);
