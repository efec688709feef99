/**
 * The map of the graph on one canvas element, drawn when nodes change; the frame of what is seen is one element that is
 * moved without React. A press or a drag on the map moves the view.
 */
import { useReactFlow, useStoreApi } from '@xyflow/react';
import { useEffect, useRef, type KeyboardEvent, type PointerEvent } from 'react';
import { isCard, type FlowNode } from '../model/flow.ts';
import type { Board } from '../state/board.ts';
import styles from './controls.module.css';

const WIDTH = 168;
const HEIGHT = 104;
const PADDING = 10;
const EVERY = 120;

interface Frame {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

export function MiniMap({ board }: { readonly board: Board }) {
  const flow = useReactFlow();
  const store = useStoreApi();
  const canvas = useRef<HTMLCanvasElement>(null);
  const seen = useRef<HTMLDivElement>(null);
  const frame = useRef<Frame>({ scale: 1, x: 0, y: 0 });

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const move = (): void => {
      const e = seen.current;
      if (!e) return;
      const { transform, width, height } = store.getState();
      const [tx, ty, zoom] = transform;
      const { scale, x, y } = frame.current;
      const left = (-tx / zoom - x) * scale;
      const top = (-ty / zoom - y) * scale;
      e.style.transform = `translate(${left}px, ${top}px)`;
      e.style.width = `${(width / zoom) * scale}px`;
      e.style.height = `${(height / zoom) * scale}px`;
    };
    const draw = (): void => {
      timer = undefined;
      if (canvas.current) frame.current = paint(canvas.current, board.store.getState().nodes);
      move();
    };
    const later = (): void => {
      timer ??= setTimeout(draw, EVERY);
    };
    draw();
    const offs = [
      board.store.subscribe((now, before) => {
        if (now.nodes !== before.nodes) later();
      }),
      store.subscribe((now, before) => {
        if (now.transform !== before.transform || now.width !== before.width || now.height !== before.height) move();
      }),
    ];
    const theme = new MutationObserver(later);
    theme.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
    return () => {
      for (const off of offs) off();
      theme.disconnect();
      if (timer !== undefined) clearTimeout(timer);
    };
  }, [board, store]);

  const go = (e: PointerEvent<HTMLElement>): void => {
    const box = e.currentTarget.getBoundingClientRect();
    const { scale, x, y } = frame.current;
    void flow.setCenter((e.clientX - box.left) / scale + x, (e.clientY - box.top) / scale + y, {
      zoom: flow.getZoom(),
    });
  };
  const onKeyDown = (e: KeyboardEvent): void => {
    const by = { ArrowLeft: [80, 0], ArrowRight: [-80, 0], ArrowUp: [0, 80], ArrowDown: [0, -80] }[e.key];
    if (!by) return;
    e.preventDefault();
    e.stopPropagation();
    const { x, y, zoom } = flow.getViewport();
    void flow.setViewport({ x: x + (by[0] ?? 0), y: y + (by[1] ?? 0), zoom });
  };
  return (
    <div
      className={`${styles['map'] ?? ''} react-flow__minimap`}
      role="application"
      aria-label="Map of the graph: arrow keys move the view"
      tabIndex={0}
      style={{ width: WIDTH, height: HEIGHT }}
      onPointerDown={(e) => {
        e.currentTarget.setPointerCapture(e.pointerId);
        go(e);
      }}
      onPointerMove={(e) => {
        if (e.buttons === 1) go(e);
      }}
      onKeyDown={onKeyDown}
    >
      <canvas ref={canvas} width={WIDTH * 2} height={HEIGHT * 2} />
      <div ref={seen} className={styles['seen']} />
    </div>
  );
}

function paint(canvas: HTMLCanvasElement, nodes: readonly FlowNode[]): Frame {
  const context = canvas.getContext('2d');
  const shown = nodes.filter((n) => n.hidden !== true);
  const at = new Map<string, { readonly x: number; readonly y: number }>();
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const n of shown) {
    const parent = n.parentId === undefined ? undefined : at.get(n.parentId);
    const place = { x: n.position.x + (parent?.x ?? 0), y: n.position.y + (parent?.y ?? 0) };
    at.set(n.id, place);
    left = Math.min(left, place.x);
    top = Math.min(top, place.y);
    right = Math.max(right, place.x + (n.width ?? 0));
    bottom = Math.max(bottom, place.y + (n.height ?? 0));
  }
  const scale = Math.min(
    (WIDTH - 2 * PADDING) / Math.max(1, right - left),
    (HEIGHT - 2 * PADDING) / Math.max(1, bottom - top),
  );
  const x = (left + right) / 2 - WIDTH / 2 / scale;
  const y = (top + bottom) / 2 - HEIGHT / 2 / scale;
  if (!context || shown.length === 0) return { scale: 1, x: 0, y: 0 };
  const style = getComputedStyle(canvas);
  const [frozen, trainable, border] = ['--frozen', '--trainable', '--border'].map((name) =>
    style.getPropertyValue(name),
  );
  context.setTransform(2 * scale, 0, 0, 2 * scale, -2 * scale * x, -2 * scale * y);
  context.clearRect(x, y, WIDTH / scale, HEIGHT / scale);
  context.lineWidth = 1 / scale;
  for (const n of shown) {
    const place = at.get(n.id);
    if (!place || !isCard(n)) continue;
    if (n.type === 'stack') {
      context.strokeStyle = border ?? '';
      context.strokeRect(place.x, place.y, n.width ?? 0, n.height ?? 0);
      continue;
    }
    const { face } = n.data.scene;
    context.fillStyle = (face.state === 'trainable' || face.chips.length > 0 ? trainable : frozen) ?? '';
    context.fillRect(place.x, place.y, n.width ?? 0, n.height ?? 0);
  }
  return { scale, x, y };
}
