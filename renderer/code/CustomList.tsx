/** The custom nodes of the workspace, with the sources that are not saved yet. */
import { CircleAlert, FilePlus2, Lock, PencilLine } from 'lucide-react';
import type { CustomNode } from '../../engine/protocol/api/custom.ts';
import { useEditor } from '../state/editor.ts';
import { Button, cx, Spinner } from '../ui/index.ts';
import { newCustomNode } from './actions.ts';
import type { CodeState } from './codeState.ts';
import styles from './code.module.css';

interface ListProps {
  readonly nodes: readonly CustomNode[] | undefined;
  readonly drafts: CodeState['drafts'];
  readonly open: string | undefined;
  readonly onOpen: (name: string) => void;
}

/** State in words and as a sign: colour alone never says it. */
function State({ node, draft }: { readonly node: CustomNode | undefined; readonly draft: boolean }) {
  if (draft)
    return (
      <span className={styles['itemState']}>
        <PencilLine aria-hidden /> not saved
      </span>
    );
  if (node && !node.trusted)
    return (
      <span className={cx(styles['itemState'], styles['itemWarn'])}>
        <Lock aria-hidden /> not allowed
      </span>
    );
  if (node && node.diagnostics.length > 0)
    return (
      <span className={cx(styles['itemState'], styles['itemBad'])}>
        <CircleAlert aria-hidden /> does not load
      </span>
    );
  return <span className={styles['itemState']}>custom.{node?.name}</span>;
}

export function CustomList({ nodes, drafts, open, onOpen }: ListProps) {
  const editor = useEditor();
  const stored = nodes ?? [];
  const fresh = [...drafts.keys()].filter((name) => !stored.some((n) => n.name === name));
  const names = [...stored.map((n) => n.name), ...fresh].sort();
  return (
    <nav className={styles['list']} aria-label="Custom nodes">
      <div className={styles['listHead']}>
        <h2 className={styles['listTitle']}>Custom nodes</h2>
      </div>
      {nodes === undefined && (
        <div className={styles['listWait']}>
          <Spinner label="Loading custom nodes" />
        </div>
      )}
      <ul className={styles['items']}>
        {names.map((name) => {
          const node = stored.find((n) => n.name === name);
          return (
            <li key={name}>
              <button
                type="button"
                className={styles['item']}
                aria-current={name === open ? 'true' : undefined}
                onClick={() => onOpen(name)}
              >
                <span className={styles['itemTitle']}>{node?.info?.title ?? name}</span>
                <State node={node} draft={drafts.has(name)} />
              </button>
            </li>
          );
        })}
      </ul>
      <div className={styles['listFoot']}>
        <Button icon={<FilePlus2 />} onClick={() => void newCustomNode(editor)}>
          New node
        </Button>
      </div>
    </nav>
  );
}
