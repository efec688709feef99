/** A wire: colour and dash by kind. One that leads back (to the next row of a long graph) runs between the rows. */
import { BaseEdge, EdgeLabelRenderer, getBezierPath, Position, useInternalNode, type EdgeProps } from '@xyflow/react';
import { memo } from 'react';
import { lookOf } from '../model/kinds.ts';
import { wirePath } from '../model/wirePath.ts';
import { HIT, type FlowEdge } from '../model/flow.ts';
import { useCanvasState } from '../state/canvasState.ts';
import styles from './wire.module.css';

/** A wire in a channel needs to know where its graph stands; others are spared the question at each frame. */
export const Wire = memo(function Wire(p: EdgeProps<FlowEdge>) {
  const via = p.data?.via;
  if (via === undefined) return <Line wire={p} via={undefined} />;
  return via.parent === undefined ? <Line wire={p} via={via.y} /> : <Routed wire={p} y={via.y} parent={via.parent} />;
});

function Routed({
  wire,
  y,
  parent,
}: {
  readonly wire: EdgeProps<FlowEdge>;
  readonly y: number;
  readonly parent: string;
}) {
  const top = useInternalNode(parent)?.internals.positionAbsolute.y ?? 0;
  return <Line wire={wire} via={y + top} />;
}

function Line({ wire: p, via }: { readonly wire: EdgeProps<FlowEdge>; readonly via: number | undefined }) {
  const scene = p.data?.scene;
  const look = lookOf(scene?.kind ?? 'any');
  const splice = useCanvasState((s) => s.splice === p.id);
  const from = toMiddle(p.sourceX, p.sourceY, p.sourcePosition);
  const to = toMiddle(p.targetX, p.targetY, p.targetPosition);
  const upward = p.sourcePosition === Position.Top || p.targetPosition === Position.Bottom;
  const [path, x, y] = upward
    ? getBezierPath({ ...p, sourceX: from.x, sourceY: from.y, targetX: to.x, targetY: to.y })
    : wirePath(from, to, via);
  return (
    <>
      <BaseEdge
        id={p.id}
        path={path}
        interactionWidth={16}
        className={styles['wire'] ?? ''}
        data-kind={scene?.kind}
        data-splice={splice || undefined}
        style={{
          ['--wire' as string]: `var(${look.colour})`,
          strokeWidth: p.selected === true || splice ? 2.5 : look.width,
          ...(look.dash === undefined ? {} : { strokeDasharray: look.dash }),
        }}
      />
      {scene?.count !== undefined && (
        <EdgeLabelRenderer>
          <span
            className={styles['count']}
            style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }}
            title={`${scene.count} sources`}
          >
            ×{scene.count}
          </span>
        </EdgeLabelRenderer>
      )}
      {p.selected === true && scene?.shape !== undefined && (
        <EdgeLabelRenderer>
          <span
            className={`${styles['shape'] ?? ''} figure`}
            style={{
              transform: `translate(-50%, -50%) translate(${x}px, ${y - (scene.count === undefined ? 0 : 22)}px)`,
            }}
          >
            {scene.shape}
          </span>
        </EdgeLabelRenderer>
      )}
    </>
  );
}

/** React Flow gives the outer edge of a port; wires end in its middle, which is where it is drawn. */
function toMiddle(x: number, y: number, side: Position): { readonly x: number; readonly y: number } {
  const half = HIT / 2;
  switch (side) {
    case Position.Left:
      return { x: x + half, y };
    case Position.Right:
      return { x: x - half, y };
    case Position.Top:
      return { x, y: y + half };
    case Position.Bottom:
      return { x, y: y - half };
  }
}
