/** A text in the code editor: read-only or edited, with marks of problems and of lines that belong to what is selected. */
import { useEffect, useRef, useState } from 'react';
import type { editor } from 'monaco-editor/editor';
import type { Diagnostic } from '../../engine/base/errors.ts';
import { Spinner } from '../ui/index.ts';
import styles from './code.module.css';
import type * as LoadedModule from './monaco/load.ts';

export interface LineRange {
  readonly from: number;
  readonly to: number;
}

export interface CodeEditorProps {
  readonly label: string;
  readonly language: 'python' | 'json' | 'typescript';
  /** Tells texts apart, as an address: `file:///custom-nodes/mine.ts`. */
  readonly address: string;
  readonly value: string;
  readonly readOnly?: boolean;
  readonly onChange?: (value: string) => void;
  /** `where.row` is a line of the text. */
  readonly problems?: readonly Diagnostic[];
  readonly highlight?: readonly LineRange[];
  readonly onLine?: (line: number) => void;
  /** A picture of the whole text at the edge; for long texts. */
  readonly minimap?: boolean;
  /** Ctrl+S, Ctrl+Enter within the text. */
  readonly onSave?: () => void;
  readonly onRun?: () => void;
}

type Loaded = typeof LoadedModule;

const OPTIONS: editor.IStandaloneEditorConstructionOptions = {
  automaticLayout: true,
  fontFamily: "'JetBrains Mono Variable', monospace",
  fontSize: 13,
  lineHeight: 20,
  fontLigatures: false,
  // Chromium 83 does not know the regular expressions that section headers are found by.
  minimap: { enabled: true, showMarkSectionHeaders: false, showRegionSectionHeaders: false, maxColumn: 80 },
  scrollBeyondLastLine: false,
  renderLineHighlight: 'line',
  smoothScrolling: false,
  tabSize: 2,
  wordWrap: 'off',
  padding: { top: 8, bottom: 8 },
  fixedOverflowWidgets: true,
  stickyScroll: { enabled: false },
  links: false,
  occurrencesHighlight: 'singleFile',
  unicodeHighlight: { ambiguousCharacters: true, invisibleCharacters: true, nonBasicASCII: false },
  accessibilitySupport: 'auto',
  scrollbar: { verticalScrollbarSize: 10, horizontalScrollbarSize: 10 },
};

/** The latest props for listeners that are attached once. */
function useLatest<T>(value: T): { readonly current: T } {
  const ref = useRef(value);
  useEffect(() => {
    ref.current = value;
  });
  return ref;
}

export function CodeEditor(props: CodeEditorProps) {
  const { label, language, address, value, readOnly = false, problems, highlight, minimap = false } = props;
  const place = useRef<HTMLDivElement>(null);
  const latest = useLatest(props);
  const [loaded, setLoaded] = useState<Loaded>();
  const [shown, setShown] = useState<editor.IStandaloneCodeEditor>();

  useEffect(() => {
    let gone = false;
    void import('./monaco/load.ts').then((module) => {
      if (!gone) setLoaded(module);
    });
    return () => {
      gone = true;
    };
  }, []);

  useEffect(() => {
    if (!loaded || !place.current) return;
    const { monaco } = loaded;
    const uri = monaco.Uri.parse(address);
    monaco.editor.getModel(uri)?.dispose();
    const model = monaco.editor.createModel(latest.current.value, language, uri);
    const made = monaco.editor.create(place.current, {
      ...OPTIONS,
      model,
      readOnly,
      ariaLabel: label,
      minimap: { ...OPTIONS.minimap, enabled: minimap },
    });
    const listeners = [
      model.onDidChangeContent(() => {
        const text = model.getValue();
        if (text !== latest.current.value) latest.current.onChange?.(text);
      }),
      made.onMouseDown((event) => {
        if (event.target.position) latest.current.onLine?.(event.target.position.lineNumber);
      }),
    ];
    made.addCommand(monaco.KeyMod.CtrlCmd | monaco.KeyCode.KeyS, () => latest.current.onSave?.());
    made.addCommand(monaco.KeyMod.CtrlCmd | monaco.KeyCode.Enter, () => latest.current.onRun?.());
    setShown(made);
    return () => {
      setShown(undefined);
      for (const listener of listeners) listener.dispose();
      made.dispose();
      model.dispose();
    };
  }, [loaded, address, language, readOnly, label, minimap, latest]);

  // A text that changes from outside keeps the place that the person looks at.
  useEffect(() => {
    const model = shown?.getModel();
    if (!shown || !model || model.getValue() === value) return;
    const view = shown.saveViewState();
    if (readOnly) model.setValue(value);
    else model.pushEditOperations([], [{ range: model.getFullModelRange(), text: value }], () => null);
    shown.restoreViewState(view);
  }, [shown, value, readOnly]);

  useEffect(() => {
    const model = shown?.getModel();
    if (!loaded || !model) return;
    const last = model.getLineCount();
    loaded.monaco.editor.setModelMarkers(
      model,
      'espalier',
      (problems ?? []).map((d) => {
        const line = Math.min(last, Math.max(1, d.where.row ?? 1));
        return {
          severity: d.severity === 'error' ? loaded.monaco.MarkerSeverity.Error : loaded.monaco.MarkerSeverity.Warning,
          message: `${d.message} ${d.fix}`,
          startLineNumber: line,
          endLineNumber: line,
          startColumn: model.getLineFirstNonWhitespaceColumn(line) || 1,
          endColumn: model.getLineMaxColumn(line),
        };
      }),
    );
  }, [loaded, shown, problems]);

  useEffect(() => {
    if (!shown || !loaded || !highlight) return;
    const marks = shown.createDecorationsCollection(
      highlight.map(({ from, to }) => ({
        range: new loaded.monaco.Range(from, 1, to, 1),
        options: {
          isWholeLine: true,
          className: styles['mark'] ?? '',
          linesDecorationsClassName: styles['markEdge'] ?? '',
        },
      })),
    );
    const first = highlight[0];
    if (first) shown.revealRangeInCenterIfOutsideViewport(new loaded.monaco.Range(first.from, 1, first.to, 1));
    return () => marks.clear();
  }, [loaded, shown, highlight]);

  return (
    <div className={styles['editor']} data-focus-inside>
      {!shown && (
        <div className={styles['loading']}>
          <Spinner label="Loading the code editor" />
        </div>
      )}
      <div ref={place} className={styles['editorPlace']} />
    </div>
  );
}
