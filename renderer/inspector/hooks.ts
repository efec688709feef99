/** What the inspector's components share: the subject, the types, and making an edit whose refusal is shown at its field. */
import { useCallback, useMemo } from 'react';
import type { NodeTypeInfo } from '../../engine/protocol/api/catalog.ts';
import type { ModelFigures } from '../../engine/protocol/api/check.ts';
import type { Document } from '../../engine/protocol/document.ts';
import { useEditor, useEditorState } from '../state/editor.ts';
import { typesOf } from '../matrix/model/grid.ts';
import type { DefaultOf, Edit } from './model/edits.ts';
import { figuresOfModel } from './model/figures.ts';
import { subjectOf, type Subject } from './model/subject.ts';

export function useSubject(): { readonly document: Document; readonly subject: Subject } | undefined {
  const document = useEditorState((s) => s.document);
  const place = useEditorState((s) => s.place);
  const selection = useEditorState((s) => s.selection);
  return useMemo(
    () => (document === undefined ? undefined : { document, subject: subjectOf(document, place, selection) }),
    [document, place, selection],
  );
}

export function useTypes(): (type: string) => NodeTypeInfo | undefined {
  const catalog = useEditorState((s) => s.catalog);
  return useMemo(() => (catalog === undefined ? () => undefined : typesOf(catalog)), [catalog]);
}

/** The type's own value of a parameter. */
export function useDefaults(): DefaultOf {
  const types = useTypes();
  return useCallback((type, param) => types(type)?.params[param]?.default, [types]);
}

export const useFigures = (model: string): ModelFigures | undefined =>
  useEditorState((s) => figuresOfModel(s.check, model));

/** Makes an edit, or gives the words of why not; nothing else is shown then. */
export function useApply(): (label: string, edit: Edit, merge?: string) => string | undefined {
  const editor = useEditor();
  return useCallback(
    (label, edit, merge) => {
      const { document } = editor.store.getState();
      if (document === undefined) return undefined;
      const result = edit(document);
      if (!result.ok) return result.error.map((d) => `${d.message} ${d.fix}`).join(' ');
      editor.edit(label, () => result, merge === undefined ? {} : { merge });
      return undefined;
    },
    [editor],
  );
}
