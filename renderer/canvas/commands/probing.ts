/** A probe on a wire: what flows there for one pinned batch. */
import { CommandError } from '../../state/client.ts';
import type { Editor } from '../../state/editor.ts';
import { isCard } from '../model/flow.ts';
import { layerIn } from '../model/layers.ts';
import type { Board } from '../state/board.ts';
import type { CanvasStore, ScreenPoint } from '../state/canvasState.ts';

export async function probeWire(
  editor: Editor,
  canvas: CanvasStore,
  board: Board,
  what: string | { readonly node: string; readonly port: string },
  screen: ScreenPoint,
): Promise<void> {
  const { scene } = board.store.getState();
  const wire = typeof what === 'string' ? scene.edges.find((e) => e.id === what) : undefined;
  const from = typeof what === 'string' ? wire && { node: wire.from, port: wire.fromPort } : what;
  const { project, place } = editor.store.getState();
  if (!from || !project || place.model === undefined) return;
  const source = giverOf(board, from);
  const path = source && pathOf(editor, board, source.node);
  if (!source || path === undefined) {
    editor.toast('info', 'What enters a stack is probed on the wire that leads to it.');
    return;
  }
  const title = `${scene.byId.get(source.node)?.face.title ?? source.node}, ${source.port}${path.layer === undefined ? '' : `, layer ${path.layer}`}`;
  canvas.setState({ probe: { screen, title, node: path.text, result: undefined, failed: undefined } });
  const isOpen = (): boolean => canvas.getState().probe?.node === path.text;
  try {
    await editor.settled();
    const result = await editor.client.call('check.probe', {
      project: project.id,
      model: place.model,
      node: path.text,
      port: source.port,
    });
    if (isOpen()) canvas.setState((s) => ({ probe: s.probe && { ...s.probe, result } }));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (isOpen()) canvas.setState((s) => ({ probe: s.probe && { ...s.probe, failed: error.message } }));
  }
}

/** A wire from the left wall carries what the layer before gave, or what enters the stack. */
function giverOf(
  board: Board,
  from: { readonly node: string; readonly port: string },
): { node: string; port: string } | undefined {
  const wall = /^\$in\.(.+)$/.exec(from.port);
  if (!wall) return { node: from.node, port: from.port };
  const { scene } = board.store.getState();
  const outside = scene.edges.find((e) => e.to === from.node && e.toPort === wall[1]);
  return outside ? giverOf(board, { node: outside.from, port: outside.fromPort }) : undefined;
}

/** `layers/3/query`: the layer that is shown, else the first of the stack. */
function pathOf(
  editor: Editor,
  board: Board,
  id: string,
): { readonly text: string; readonly layer: number | undefined } | undefined {
  const { nodes } = board.store.getState();
  const shown = editor.store.getState().place.layer;
  const parts = id.split('/');
  let layer: number | undefined;
  const text = parts.flatMap((part, i) => {
    const container = nodes.find((n) => n.id === parts.slice(0, i + 1).join('/'));
    const stack = container && isCard(container) ? container.data.scene.face.stack : undefined;
    if (!stack || i === parts.length - 1) return [part];
    const inside = layerIn(shown, stack);
    layer = inside === 'all' ? stack.first : inside;
    return [part, `${layer}`];
  });
  return { text: text.join('/'), layer };
}
