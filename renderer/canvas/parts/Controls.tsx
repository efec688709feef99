/** Minimap and zoom, bottom right; they fade while nobody needs them. The progress of a layout stands beside. */
import { useReactFlow, useStore as useFlowStore } from '@xyflow/react';
import { Map as MapIcon, Maximize, ZoomIn, ZoomOut } from 'lucide-react';
import { memo } from 'react';
import { IconButton, Menu, Button, Progress } from '../../ui/index.ts';
import { useEditorState } from '../../state/editor.ts';
import type { Board } from '../state/board.ts';
import { useCanvas, useCanvasState } from '../state/canvasState.ts';
import { MiniMap } from './MiniMap.tsx';
import { FIT } from './useFit.ts';
import styles from './controls.module.css';

/** Height of a canvas, in pixels, that has room for a map. */
const LEAST_HEIGHT = 460;

export const Controls = memo(function Controls({ board }: { readonly board: Board }) {
  const canvas = useCanvas();
  const minimap = useCanvasState((s) => s.minimap);
  // On a low canvas the map would lie over what it is the map of.
  const room = useFlowStore((s) => s.height === 0 || s.height >= LEAST_HEIGHT);
  const trains = useEditorState((s) => s.whatTrains);
  return (
    <>
      <Layouting board={board} />
      {trains && (
        <div className={styles['legend']} role="status">
          <span className={styles['swatch']} data-on />
          Gradient flows here
          <span className={styles['swatch']} />
          No backward pass
        </div>
      )}
      <div className={styles['corner']}>
        {minimap && room && <MiniMap board={board} />}
        <div className={styles['zoom']}>
          <IconButton
            small
            label={minimap ? 'Hide the map' : 'Show the map'}
            icon={<MapIcon />}
            pressed={minimap}
            side="top"
            onClick={() => canvas.setState({ minimap: !minimap })}
          />
          <ZoomButtons />
        </div>
      </div>
    </>
  );
});

function ZoomButtons() {
  const flow = useReactFlow();
  const percent = useFlowStore((s) => Math.round(s.transform[2] * 100));
  return (
    <>
      <IconButton small label="Zoom out" keys="-" icon={<ZoomOut />} side="top" onClick={() => void flow.zoomOut()} />
      <Menu
        side="top"
        align="end"
        label="Zoom"
        trigger={
          <button type="button" className={styles['percent']} aria-label={`Zoom ${percent} %`}>
            {percent} %
          </button>
        }
        items={[
          { command: 'canvas.fit' },
          { command: 'canvas.fitSelection' },
          { separator: true },
          ...[50, 75, 100, 150, 200].map((p) => ({ title: `${p} %`, run: () => void flow.zoomTo(p / 100) })),
        ]}
      />
      <IconButton small label="Zoom in" keys="+" icon={<ZoomIn />} side="top" onClick={() => void flow.zoomIn()} />
      <IconButton
        small
        label="Show everything"
        keys="Shift+1"
        icon={<Maximize />}
        side="top"
        onClick={() => void flow.fitView(FIT)}
      />
    </>
  );
}

function Layouting({ board }: { readonly board: Board }) {
  const layout = useCanvasState((s) => s.layout);
  if (!layout) return null;
  return (
    <div className={styles['layout']} role="status">
      <Progress
        value={layout.of === 0 ? undefined : layout.done / layout.of}
        label="Laying out"
        note={`${layout.done} of ${layout.of}`}
      />
      <Button small variant="quiet" onClick={() => board.cancelLayout()}>
        Cancel
      </Button>
    </div>
  );
}
