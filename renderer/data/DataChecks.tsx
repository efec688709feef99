/** What was found about the data: labels, repeats, leaks, lengths; in words, with what to do. */
import { CircleCheck, Info, TriangleAlert } from 'lucide-react';
import type { DataChecks } from '../../engine/protocol/api/data.ts';
import { Button, Callout, formatCount, formatShare, Spinner } from '../ui/index.ts';
import { useEditor, useEditorState } from '../state/editor.ts';
import { useLoaded } from '../runs/hooks.ts';
import { setMaxLength } from './actions.ts';
import styles from './data.module.css';
import { findingsOf, type Finding } from './findings.ts';
import { trainingOf } from './steps.ts';

export function DataChecksPage({ step, content }: { readonly step: string; readonly content: string }) {
  const editor = useEditor();
  const { value, problem, loading, again } = useLoaded(`checks ${content}`, async () => {
    await editor.settled();
    const { revision, project } = editor.store.getState();
    if (!project) throw new Error('a project is open');
    return editor.client.call('data.checks', { project: project.id, revision, step });
  });
  if (problem !== undefined)
    return (
      <div className={styles['padded']}>
        <Callout
          tone="error"
          title="The data cannot be checked"
          action={
            <Button small onClick={again}>
              Try again
            </Button>
          }
        >
          {problem}
        </Callout>
      </div>
    );
  if (!value || loading)
    return (
      <p className={styles['wait']}>
        <Spinner label="The data is being checked" /> <span>Every text is read and cut into tokens once</span>
      </p>
    );
  return (
    <div className={styles['checks']}>
      <ul className={styles['findingList']} aria-label="Findings">
        {findingsOf(value).map((finding) => (
          <FindingRow key={finding.title} finding={finding} />
        ))}
        {value.diagnostics.map((d) => (
          <li key={`${d.code} ${d.message}`}>
            <Callout tone={d.severity}>
              {d.message} {d.fix}
            </Callout>
          </li>
        ))}
      </ul>
      {value.classes.length > 0 && <Labels checks={value} />}
      {value.lengths.length > 0 && <Lengths checks={value} />}
    </div>
  );
}

const ICONS = {
  good: <CircleCheck size={16} />,
  note: <Info size={16} />,
  warning: <TriangleAlert size={16} />,
} as const;
const WORDS = { good: 'Good', note: 'Note', warning: 'Warning' } as const;

function FindingRow({ finding }: { readonly finding: Finding }) {
  const editor = useEditor();
  const train = useEditorState((s) => (s.document ? trainingOf(s.document) : undefined));
  const { length } = finding;
  return (
    <li className={styles['finding']}>
      <span className={styles[finding.tone]} role="img" aria-label={WORDS[finding.tone]}>
        {ICONS[finding.tone]}
      </span>
      <div>
        <p className={styles['findingTitle']}>{finding.title}</p>
        <p className={styles['findingText']}>{finding.text}</p>
        {length !== undefined && train !== undefined && (
          <Button small onClick={() => setMaxLength(editor, train, length)}>
            Set the limit to {length} tokens
          </Button>
        )}
      </div>
    </li>
  );
}

const MOST_CLASSES = 40;

function Labels({ checks }: { readonly checks: DataChecks }) {
  const classes = [...checks.classes].sort((a, b) => b.count - a.count);
  const largest = Math.max(1, classes[0]?.count ?? 1);
  const all = classes.reduce((n, c) => n + c.count, 0);
  return (
    <div>
      <h3 className={styles['heading']}>Labels</h3>
      <ul aria-label="Rows of each label">
        {classes.slice(0, MOST_CLASSES).map(({ label, count }) => (
          <li key={label} className={styles['classRow']}>
            <span className={styles['className']} title={label}>
              {label}
            </span>
            <span className={styles['track']}>
              <span className={styles['fill']} style={{ width: `${(count / largest) * 100}%` }} />
            </span>
            <span className={styles['figure']}>{formatCount(count)}</span>
            <span className={styles['share']}>{formatShare(count / Math.max(1, all))}</span>
          </li>
        ))}
      </ul>
      {classes.length > MOST_CLASSES && (
        <p className={styles['findingText']}>and {formatCount(classes.length - MOST_CLASSES)} more labels</p>
      )}
    </div>
  );
}

/** Texts by their number of tokens. What lies right of the limit is cut. */
function Lengths({ checks }: { readonly checks: DataChecks }) {
  const { lengths, maxLength } = checks;
  const largest = Math.max(1, ...lengths.map((l) => l.count));
  return (
    <div>
      <h3 className={styles['heading']}>Tokens of a text</h3>
      <ul className={styles['histogram']} aria-label="Texts by their number of tokens">
        {lengths.map(({ upTo, count }, i) => {
          const from = i === 0 ? 1 : (lengths[i - 1]?.upTo ?? 0) + 1;
          const cut = upTo > maxLength;
          const words = `${from} to ${upTo} tokens: ${formatCount(count)} texts${cut ? ', cut' : ''}`;
          return (
            <li key={upTo} className={styles['column']} title={words} aria-label={words}>
              <span className={styles['columnSpace']}>
                <span
                  className={cut ? styles['columnCut'] : styles['columnFill']}
                  style={{ height: `${count === 0 ? 0 : Math.max(3, (count / largest) * 100)}%` }}
                />
              </span>
              <span className={styles['columnLabel']}>{upTo}</span>
            </li>
          );
        })}
      </ul>
      <p className={styles['findingText']}>
        {checks.truncatedShare > 0
          ? `The limit is ${formatCount(maxLength)} tokens; hatched bars are cut there.`
          : `All are within the limit of ${formatCount(maxLength)} tokens.`}
      </p>
    </div>
  );
}
