/** How components of this area read the state and what is asked from the service. */
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { sameJson } from '../../engine/protocol/equal.ts';
import type { RunId } from '../../engine/protocol/api/fields.ts';
import { useEditor, useEditorState, type EditorState } from '../state/editor.ts';
import { CommandError } from '../state/client.ts';
import type { Curve } from './curve.ts';
import { diagnosticText } from './logLines.ts';
import type { RunProgress } from './runData.ts';

/** Something that is worked out of the state; the component is drawn again only when its content changes. */
export function useDerived<T>(derive: (state: EditorState) => T): T {
  const kept = useRef<{ readonly value: T }>(undefined);
  return useEditorState((s) => {
    const next = derive(s);
    if (kept.current === undefined || !sameJson(kept.current.value, next)) kept.current = { value: next };
    return kept.current.value;
  });
}

export interface Loaded<T> {
  readonly value: T | undefined;
  /** The key that the value was read for; behind `key` while the next one is read. */
  readonly of: string | undefined;
  /** Why it could not be read, in words. */
  readonly problem: string | undefined;
  readonly loading: boolean;
  readonly again: () => void;
}

/** Reads something whenever `key` changes; with `undefined` nothing is read. The former value stays while it reads. */
export function useLoaded<T>(key: string | undefined, load: () => Promise<T>): Loaded<T> {
  const editor = useEditor();
  const [state, setState] = useState<{ key: string | undefined; of?: string; value?: T; problem?: string }>({
    key: undefined,
  });
  const [turn, setTurn] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    if (key === undefined) return undefined;
    let wanted = true;
    latest.current().then(
      (value) => wanted && setState({ key, of: key, value }),
      (error: unknown) => {
        if (!wanted) return;
        if (error instanceof CommandError) setState({ key, problem: error.diagnostics.map(diagnosticText).join('\n') });
        else editor.report(error);
      },
    );
    return () => {
      wanted = false;
    };
  }, [key, turn, editor]);
  const again = useCallback(() => setTurn((n) => n + 1), []);
  return {
    value: key === undefined ? undefined : state.value,
    of: state.of,
    problem: state.key === key ? state.problem : undefined,
    loading: key !== undefined && state.key !== key,
    again,
  };
}

/** What a run prepares at the moment. */
export function useProgress(run: RunId | undefined): RunProgress | undefined {
  const { runData } = useEditor();
  return useSyncExternalStore(
    useCallback((tell) => (run === undefined ? () => undefined : runData.listen(run, tell)), [runData, run]),
    () => (run === undefined ? undefined : runData.progress(run)),
  );
}

/** The curve of a run; drawn again at most once a frame and `wait` milliseconds. For lists, not for charts. */
export function useCurve(run: RunId | undefined, wait = 250): Curve | undefined {
  const { runData } = useEditor();
  const [, draw] = useState(0);
  useEffect(() => {
    if (run === undefined) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = runData.listen(run, () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        draw((n) => n + 1);
      }, wait);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [runData, run, wait]);
  return run === undefined ? undefined : runData.curve(run);
}
