/** Where one is: workflow, model, and the containers of what is selected. */
import { ChevronRight } from 'lucide-react';
import { useCommands } from '../../commands/runner.ts';
import { useDerived } from '../../runs/hooks.ts';
import { useEditor, type EditorState } from '../../state/editor.ts';
import type { NodeId } from '../../../engine/protocol/ids.ts';
import styles from './Breadcrumb.module.css';

interface Crumb {
  readonly title: string;
  readonly graph: string;
  readonly node: string | undefined;
}

/** The model by its backbone or title, then containers around the selection. */
function crumbsOf({ document, place, selection }: EditorState): readonly Crumb[] {
  if (!document || place.level === 'workflow' || place.model === undefined) return [];
  const { model } = place;
  const step = Object.values(document.workflow.nodes).find((s) => s.model === model);
  const backbone = step?.params['backbone' as never] as unknown;
  const title = step?.title ?? (typeof backbone === 'string' && backbone !== '' ? backbone : model);
  const crumbs: Crumb[] = [
    { title: title === 'starter' ? 'MiniLM-L6 (starter)' : title, graph: `${model}:`, node: undefined },
  ];
  const [of, path = ''] = selection.graph.split(':');
  if (of !== model || path === '') return crumbs;
  let graph = document.models[model];
  const passed: string[] = [];
  for (const id of path.split('/')) {
    const node = graph?.nodes[id as NodeId];
    crumbs.push({ title: node?.title ?? id, graph: `${model}:${passed.join('/')}`, node: id });
    passed.push(id);
    graph = node?.body;
  }
  return crumbs;
}

export function Breadcrumb() {
  const editor = useEditor();
  const commands = useCommands();
  const crumbs = useDerived(crumbsOf);
  return (
    <nav aria-label="Place" className={styles['place']}>
      <button
        type="button"
        className={styles['crumb']}
        aria-current={crumbs.length === 0 ? 'page' : undefined}
        onClick={() => commands.run('view.workflow')}
      >
        Workflow
      </button>
      {crumbs.map(({ title, graph, node }, i) => (
        <span key={`${graph}/${node ?? ''}`} className={styles['part']}>
          <ChevronRight size={14} aria-hidden="true" />
          <button
            type="button"
            className={styles['crumb']}
            title={title}
            aria-current={i === crumbs.length - 1 ? 'page' : undefined}
            onClick={() =>
              editor.reveal({ level: 'model' }, { graph, nodes: node === undefined ? [] : [node as NodeId], edges: [] })
            }
          >
            {title}
          </button>
        </span>
      ))}
    </nav>
  );
}
