/**
 * The canvas alone on a page, with an editor whose service says yes to everything. Figures of frames are measured here, so
 * that nothing else of the app counts; `#cards=300`, `#text=<document>` or `window.stage` choose what is shown.
 */
import { StrictMode, useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';
import type { Catalog, NodeTypeInfo } from '../../../../engine/protocol/api/catalog.ts';
import type { CheckView } from '../../../../engine/protocol/api/check.ts';
import type { Document } from '../../../../engine/protocol/document.ts';
import { ModelCanvas } from '../../../../renderer/canvas/ModelCanvas.tsx';
import { ModulePalette } from '../../../../renderer/canvas/ModulePalette.tsx';
import { WorkflowCanvas } from '../../../../renderer/canvas/WorkflowCanvas.tsx';
import { canvasCommands } from '../../../../renderer/canvas/commands.ts';
import { CommandRunnerProvider } from '../../../../renderer/commands/runner.ts';
import type { Client } from '../../../../renderer/state/client.ts';
import { createEditor, EditorProvider, useEditorState, type Editor } from '../../../../renderer/state/editor.ts';
import { UiRoot } from '../../../../renderer/ui/index.ts';
import '../../../../renderer/ui/base.css';
import { NODES } from '../../../../nodes/index.ts';
import { cardsDocument } from '../fixtures.ts';

/** Node types as the service tells of them. */
const catalog: Catalog = {
  nodes: NODES.map((n): NodeTypeInfo => {
    const d = n as unknown as {
      type: string;
      version: number;
      docs: { title: string; family: string; help: string; equation?: string; paper?: string };
      inputs: NodeTypeInfo['inputs'];
      outputs: NodeTypeInfo['outputs'];
      params: NodeTypeInfo['params'];
      bypass: { kind: NodeTypeInfo['bypass'] };
      peft?: { startPoint: { kind: string }; mergeable: boolean };
      bank?: boolean;
    };
    return {
      type: d.type,
      version: d.version,
      ...d.docs,
      inputs: d.inputs,
      outputs: d.outputs,
      params: d.params,
      bypass: d.bypass.kind,
      ...(d.peft ? { peft: { startPoint: d.peft.startPoint.kind, mergeable: d.peft.mergeable } } : {}),
      bank: d.bank === true,
    };
  }),
  methods: [
    {
      name: 'lora',
      title: 'LoRA',
      help: 'Low-rank updates on query and value projections.',
      bank: false,
      params: {
        r: { kind: 'int', default: 8, min: 1, max: 4096, help: 'Rank of the update.' },
        targets: { kind: 'text', default: 'query,value', help: 'Linear layers by name.' },
      },
    },
    { name: 'houlsby', title: 'Houlsby adapters', help: 'Two adapters a layer.', bank: false, params: {} },
  ],
  steps: [],
  templates: [],
};

function fakeClient(): Client {
  let revision = 1;
  let keys = 0;
  return {
    window: 'stage',
    newKey: () => `stage-${++keys}`,
    call: ((name: string) => {
      if (name === 'project.edit') return Promise.resolve({ kind: 'done', revision: ++revision });
      if (name === 'run.list') return Promise.resolve([]);
      return Promise.reject(new Error(`the stage has no "${name}"`));
    }) as Client['call'],
    upload: () => Promise.reject(new Error('no uploads')),
    download: () => undefined,
    onEvent: () => () => undefined,
    onConnection: () => () => undefined,
    subscribe: () => undefined,
    unsubscribe: () => undefined,
    close: () => undefined,
  };
}

const editor = createEditor(fakeClient());
editor.set({ catalog, connected: true });

function show(document: Document, check?: CheckView): void {
  editor.openProject({
    project: `p${Date.now()}` as never,
    document,
    revision: 1,
    file: 'stage.espalier.json',
    folder: '',
    recovered: 0,
    diagnostics: [],
  });
  if (check) editor.set({ check });
}

declare global {
  interface Window {
    stage: {
      editor: Editor;
      show: typeof show;
      cards: (n: number, placed?: boolean) => void;
      commands: typeof canvasCommands;
    };
  }
}
window.stage = {
  editor,
  show,
  cards: (n, placed = true) => show(cardsDocument({ cards: n, placed })),
  commands: canvasCommands,
};

const cards = /^#cards=(\d+)(,layout)?$/.exec(location.hash);
if (cards) window.stage.cards(Number(cards[1]), cards[2] === undefined);

function Stage() {
  const level = useEditorState((s) => s.place.level);
  const project = useEditorState((s) => s.project);
  const rail = useEditorState((s) => s.rail);
  const [, again] = useState(0);
  const runner = useMemo(
    () => ({
      commands: canvasCommands,
      find: (id: string) => canvasCommands.find((c) => c.id === id),
      keys: (id: string) => canvasCommands.find((c) => c.id === id)?.keys,
      why: (id: string) => canvasCommands.find((c) => c.id === id)?.unavailable?.(editor.store.getState()),
      run: (id: string) => {
        void canvasCommands.find((c) => c.id === id)?.run(editor);
        again((n) => n + 1);
      },
    }),
    [],
  );
  if (!project) return null;
  return (
    <CommandRunnerProvider value={runner}>
      <div style={{ display: 'flex', height: '100%' }}>
        {rail === 'add' && (
          <div style={{ width: 264, height: '100%', borderRight: '1px solid var(--hairline)' }}>
            <ModulePalette />
          </div>
        )}
        <div style={{ flex: 1, minWidth: 0 }}>{level === 'workflow' ? <WorkflowCanvas /> : <ModelCanvas />}</div>
      </div>
    </CommandRunnerProvider>
  );
}

const root = document.getElementById('root');
if (root)
  createRoot(root).render(
    <StrictMode>
      <UiRoot>
        <EditorProvider value={editor}>
          <Stage />
        </EditorProvider>
      </UiRoot>
    </StrictMode>,
  );
