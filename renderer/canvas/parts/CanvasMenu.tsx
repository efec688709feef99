/** The menu under the pointer: of a card, a chip, a wire, a port, the selection, the void. */
import { useEffect, useMemo, useRef } from 'react';
import { useEditor, useEditorState, type Editor } from '../../state/editor.ts';
import { Menu, type MenuItem } from '../../ui/index.ts';
import { probeWire } from '../commands/probing.ts';
import { addNote } from '../commands/framing.ts';
import { splitAt } from '../commands/stacks.ts';
import { disconnectPort } from '../commands/wires.ts';
import type { Board } from '../state/board.ts';
import { useCanvas, useCanvasState, type CanvasStore, type MenuState } from '../state/canvasState.ts';
import styles from './flow.module.css';

const EDITING: readonly MenuItem[] = [
  { command: 'canvas.copy' },
  { command: 'canvas.cut' },
  { command: 'canvas.duplicate' },
  { command: 'canvas.delete' },
];

export function CanvasMenu({ board }: { readonly board: Board }) {
  const menu = useCanvasState((s) => s.menu);
  return menu ? <Open key={`${menu.screen.x},${menu.screen.y}`} menu={menu} board={board} /> : null;
}

function Open({ menu, board }: { readonly menu: MenuState; readonly board: Board }) {
  const editor = useEditor();
  const canvas = useCanvas();
  const trigger = useRef<HTMLButtonElement>(null);
  const layer = useEditorState((s) => s.place.layer);
  const items = useMemo(() => itemsFor(editor, canvas, board, menu, layer), [editor, canvas, board, menu, layer]);
  useEffect(() => {
    choose(editor, board, menu);
    // The menu of the kit opens from its button; this one has none that a person sees.
    trigger.current?.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown', bubbles: true }));
  }, [editor, board, menu]);
  return (
    <Menu
      label="What can be done here"
      trigger={
        <button
          ref={trigger}
          type="button"
          tabIndex={-1}
          aria-hidden
          className={styles['menuPlace']}
          style={{ left: menu.screen.x, top: menu.screen.y }}
        />
      }
      items={items}
    />
  );
}

/** What the menu is about is selected, unless it is part of the selection already. */
function choose(editor: Editor, board: Board, { on }: MenuState): void {
  const { selection } = editor.store.getState();
  if (on.kind === 'chip') {
    const scene = board.store.getState().scene.byId.get(on.id);
    if (scene && !(selection.graph === scene.graph && selection.nodes.includes(on.chip))) {
      editor.select({ graph: scene.graph, nodes: [on.chip], edges: [] });
    }
  } else if (on.kind === 'node') {
    const n = board.store.getState().nodes.find((x) => x.id === on.id);
    if (n && n.selected !== true) {
      const key = n.type === 'note' || n.type === 'group' ? `${n.type}:${n.data.key}` : n.data.scene.node;
      const graph = n.type === 'note' || n.type === 'group' ? n.data.graph : n.data.scene.graph;
      editor.select({ graph, nodes: [key as never], edges: [] });
    }
  } else if (on.kind === 'edge') {
    const e = board.store.getState().scene.edges.find((x) => x.id === on.id);
    if (e && !(selection.graph === e.graph && selection.edges.includes(e.edge))) {
      editor.select({ graph: e.graph, nodes: [], edges: [e.edge] });
    }
  }
}

function itemsFor(
  editor: Editor,
  canvas: CanvasStore,
  board: Board,
  menu: MenuState,
  layer: 'all' | number,
): readonly MenuItem[] {
  const { on, screen } = menu;
  switch (on.kind) {
    case 'canvas':
      return [
        {
          title: 'Add a node here',
          keys: 'Shift+A',
          run: () => later(() => canvas.setState({ quickAdd: { mode: 'add', screen, graph: on.graph, at: on.at } })),
        },
        { title: 'Add a note here', run: () => addNote(editor, on.graph, on.at) },
        { command: 'canvas.paste' },
        { separator: true },
        { command: 'canvas.selectAll' },
        { command: 'canvas.find' },
        { separator: true },
        { command: 'canvas.tidy' },
        { command: 'canvas.fit' },
        { command: 'canvas.asWires' },
        { command: 'canvas.snap' },
        { command: 'view.whatTrains' },
      ];
    case 'node': {
      const node = board.store.getState().scene.byId.get(on.id);
      const stack = node?.face.stack;
      if (on.id.startsWith('note:') || on.id.startsWith('group:')) {
        return [
          { command: 'canvas.rename' },
          { command: 'canvas.groupColour' },
          { command: 'canvas.collapse' },
          { separator: true },
          { command: 'canvas.delete' },
        ];
      }
      if (stack) {
        const layers = Array.from({ length: Math.min(stack.repeat - 1, 48) }, (_, i) => stack.first + i + 1);
        return [
          {
            title: 'Split stack here',
            items: layers.map((n) => ({
              title: `before layer ${n}`,
              run: () => splitAt(editor, node.graph, node.node, n),
            })),
          },
          { command: 'stack.join' },
          { command: 'stack.unroll' },
          {
            title: 'Show layer',
            items: [
              { title: 'All', checked: layer === 'all', run: () => show(editor, 'all') },
              ...[stack.first, ...layers].map((n) => ({
                title: `Layer ${n}`,
                checked: layer === n,
                run: () => show(editor, n),
              })),
            ],
          },
          { separator: true },
          { command: 'canvas.collapse' },
          { command: 'canvas.rename' },
          { command: 'canvas.tidy' },
          { separator: true },
          ...EDITING,
        ];
      }
      return [
        { command: 'canvas.attach' },
        { command: 'canvas.inspect' },
        { command: 'canvas.rename' },
        { separator: true },
        { command: 'canvas.mute' },
        { command: 'canvas.bypass' },
        { command: 'canvas.collapse' },
        { command: 'canvas.layers' },
        { command: 'recipe.independent' },
        { separator: true },
        { command: 'canvas.selectSimilar' },
        { command: 'canvas.group' },
        { separator: true },
        ...EDITING,
      ];
    }
    case 'chip':
      return [
        { command: 'canvas.inspect' },
        { command: 'canvas.mute' },
        { command: 'canvas.layers' },
        { command: 'recipe.independent' },
        { command: 'canvas.selectRecipe' },
        { separator: true },
        { command: 'canvas.chipUp' },
        { command: 'canvas.chipDown' },
        { separator: true },
        ...EDITING,
      ];
    case 'edge':
      return [
        { title: 'Probe this wire', run: () => void probeWire(editor, canvas, board, on.id, screen) },
        { title: 'Insert a node', run: () => later(() => insertOn(canvas, board, on.id, screen)) },
        { separator: true },
        { command: 'canvas.delete' },
      ];
    case 'port':
      return [
        {
          title: 'Probe this port',
          disabled: on.side === 'in',
          run: () => void probeWire(editor, canvas, board, { node: on.id, port: on.port }, screen),
        },
        {
          title: on.side === 'out' ? 'Add what takes this' : 'Add what gives this',
          run: () => later(() => addFromPort(canvas, board, on, screen)),
        },
        { separator: true },
        { title: 'Remove its wires', danger: true, run: () => disconnectPort(editor, board, on.id, on.port, on.side) },
      ];
    case 'selection':
      return [
        { command: 'canvas.attach' },
        { command: 'canvas.connect' },
        { command: 'canvas.group' },
        {
          title: 'Align',
          items: ['Left', 'Centre', 'Right', 'Top', 'Middle', 'Bottom'].map((s) => ({ command: `canvas.align${s}` })),
        },
        { command: 'canvas.distributeX' },
        { command: 'canvas.distributeY' },
        { separator: true },
        { command: 'canvas.mute' },
        { command: 'canvas.bypass' },
        { separator: true },
        ...EDITING,
      ];
  }
}

/** After the menu has gone and given the focus back. */
const later = (run: () => void): void => void setTimeout(run, 60);

const show = (editor: Editor, layer: 'all' | number): void =>
  editor.set({ place: { ...editor.store.getState().place, layer } });

function insertOn(canvas: CanvasStore, board: Board, id: string, screen: MenuState['screen']): void {
  const e = board.store.getState().scene.edges.find((x) => x.id === id);
  const graph = e && board.store.getState().scene.graphs.get(e.graph);
  const wire = graph?.graph.edges.find((w) => `${w.from.node}.${w.from.port}->${w.to.node}.${w.to.port}` === e?.edge);
  if (!e || !wire) return;
  const place = board.placesOf(e.graph)[wire.from.node] ?? { x: 200, y: 160 };
  canvas.setState({
    quickAdd: {
      mode: 'add',
      screen,
      graph: e.graph,
      at: { x: place.x + 272, y: place.y },
      from: { node: wire.from.node, port: wire.from.port, side: 'out' },
    },
  });
}

function addFromPort(
  canvas: CanvasStore,
  board: Board,
  on: Extract<MenuState['on'], { kind: 'port' }>,
  screen: MenuState['screen'],
): void {
  const n = board.store.getState().scene.byId.get(on.id);
  if (!n || on.port.includes('.')) return;
  const place = board.placesOf(n.graph)[n.node] ?? { x: 0, y: 0 };
  const at = { x: on.side === 'out' ? place.x + n.width + 72 : place.x - 72, y: place.y + 28 };
  canvas.setState({
    quickAdd: { mode: 'add', screen, graph: n.graph, at, from: { node: n.node, port: on.port, side: on.side } },
  });
}
