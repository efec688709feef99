/** Offers the matrix to commands while it is shown. */
import { useEffect } from 'react';
import { useEditor } from '../state/editor.ts';
import type { Tool } from './handle.ts';
import type { CellContext } from './model/cells.ts';
import { copyLayer } from './model/copy.ts';
import type { ShowMode } from './model/heat.ts';
import { columnsOf, type Range } from './model/select.ts';

interface Offered {
  readonly context: CellContext;
  readonly range: Range;
  readonly paint: () => void;
  readonly erase: () => void;
  readonly selectAll: () => void;
  readonly setTool: (tool: Tool) => void;
  readonly setMode: (mode: ShowMode) => void;
  readonly setBrush: (type: string) => void;
}

export function useMatrixHandle({
  context,
  range,
  paint,
  erase,
  selectAll,
  setTool,
  setMode,
  setBrush,
}: Offered): void {
  const editor = useEditor();
  useEffect(() => {
    const copy = (): void => {
      const columns = context.grid.columns;
      const [from, to] = columnsOf(range);
      const source = columns[range.anchor.column];
      if (source === undefined) return;
      const targets = (from === to ? columns : columns.slice(from, to + 1)).map((c) => c.layer);
      editor.edit(`Copy layer ${source.layer} to other layers`, (d) => copyLayer(d, context, source.layer, targets));
    };
    const handle = { paint, erase, selectAll, copyLayer: copy, setTool, setMode, setBrush };
    editor.matrix.current = handle;
    return () => {
      if (editor.matrix.current === handle) editor.matrix.current = undefined;
    };
  }, [editor, context, range, paint, erase, selectAll, setTool, setMode, setBrush]);
}
