/** The overlay "what trains?": marks each card as on the path of the gradient or beside it; written to elements directly. */
import { useEffect, type RefObject } from 'react';
import { indexCatalog } from '../model/catalog.ts';
import { gradientPath } from '../model/trains.ts';
import { useEditorState } from '../../state/editor.ts';

export function usePath(root: RefObject<HTMLElement | null>, nodes: number): void {
  const shown = useEditorState((s) => s.whatTrains);
  const document = useEditorState((s) => s.document);
  const model = useEditorState((s) => s.place.model);
  const layer = useEditorState((s) => s.place.layer);
  const catalog = useEditorState((s) => s.catalog);
  useEffect(() => {
    if (!shown || !document || model === undefined || !catalog) return undefined;
    const path = gradientPath(document, model, indexCatalog(catalog), layer);
    const paint = (): void => {
      for (const e of root.current?.querySelectorAll<HTMLElement>('[data-card]') ?? []) {
        e.dataset['path'] = path.has(e.dataset['card'] ?? '') ? 'on' : 'off';
      }
      for (const e of root.current?.querySelectorAll<HTMLElement>('.react-flow__edge') ?? []) {
        const id = e.dataset['id'] ?? '';
        e.dataset['path'] = onPath(id, path) ? 'on' : 'off';
      }
    };
    paint();
    // Cards that come into view while one pans are marked too.
    const observer = new MutationObserver(paint);
    for (const list of root.current?.querySelectorAll('.react-flow__nodes, .react-flow__edges') ?? [])
      observer.observe(list, { childList: true });
    return () => {
      observer.disconnect();
      for (const e of root.current?.querySelectorAll('[data-path]') ?? []) e.removeAttribute('data-path');
    };
  }, [root, shown, document, model, layer, catalog, nodes]);
}

/** A wire carries a gradient when the port that gives it does, and what takes it is on the path; `main:layers|q.y->a.x`. */
function onPath(edge: string, path: ReadonlySet<string>): boolean {
  const [graph = '', wire = ''] = edge.split('|');
  const container = graph.slice(graph.indexOf(':') + 1);
  const [from = '', to = ''] = wire.split('->');
  const taker = to.slice(0, to.lastIndexOf('.'));
  const inside = (name: string): string => (container === '' ? name : `${container}/${name}`);
  return path.has(`wire:${inside(from)}`) && (taker === '$out' || path.has(inside(taker)));
}
