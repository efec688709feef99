/** What a run said: its lines by level, with a way from a finding to its place in the graph. */
import { useVirtualizer } from '@tanstack/react-virtual';
import { ArrowDownToLine, CircleAlert, Copy, Info, ScrollText, TriangleAlert } from 'lucide-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { LogLine } from '../../engine/protocol/api/runs.ts';
import { Button, cx, Empty, IconButton, Select, TextField } from '../ui/index.ts';
import { useCommands } from '../commands/runner.ts';
import { useEditor, useEditorState } from '../state/editor.ts';
import { useCurve } from './hooks.ts';
import { shownRun } from './live.ts';
import { filterLog, levelOf, lineText, withEnd, type LogLevel } from './logLines.ts';
import { RunPicker } from './RunPicker.tsx';
import { hasPlace, showPlace } from './showPlace.ts';
import styles from './LogPanel.module.css';
import { formatClock } from './words.ts';

const ROW = 24;

export function LogPanel() {
  const run = useEditorState(shownRun);
  const curve = useCurve(run?.run);
  const [search, setSearch] = useState('');
  const [level, setLevel] = useState<LogLevel>('info');
  const [follows, setFollows] = useState(true);
  const commands = useCommands();
  const said = curve?.log.length ?? 0;
  const all = useMemo(
    () => (run ? [...withEnd(curve?.log ?? [], run)] : []),
    // The list grows in place; its length tells that it has.
    [curve, said, run],
  );
  const count = all.length;
  const lines = useMemo(() => filterLog(all, { search, level }), [all, search, level]);
  if (!run)
    return (
      <Empty
        icon={<ScrollText />}
        title="No run yet"
        text="What a run says while it prepares and trains is kept here."
      />
    );
  return (
    <section className={styles['panel']} aria-label="Log">
      <div className={styles['bar']}>
        <RunPicker />
        <div className={styles['level']}>
          <Select
            label="Level"
            hideLabel
            value={level}
            options={[
              { value: 'info', title: 'All lines' },
              { value: 'warning', title: 'Warnings and errors' },
              { value: 'error', title: 'Errors' },
            ]}
            onChange={setLevel}
          />
        </div>
        <div className={styles['search']}>
          <TextField
            label="Find in the log"
            hideLabel
            type="search"
            value={search}
            placeholder="Find"
            onChange={setSearch}
          />
        </div>
        <span className={styles['count']} role="status">
          {lines.length === count ? `${count} lines` : `${lines.length} of ${count} lines`}
        </span>
        <IconButton
          label="Follow the newest line"
          icon={<ArrowDownToLine />}
          pressed={follows}
          onClick={() => setFollows(!follows)}
        />
        <IconButton label="Copy the log" icon={<Copy />} onClick={() => commands.run('log.copy')} />
      </div>
      {lines.length === 0 ? (
        <Empty title={count === 0 ? 'The run has said nothing yet' : 'No line fits'} />
      ) : (
        <Lines lines={lines} follows={follows} onScrollUp={() => setFollows(false)} />
      )}
    </section>
  );
}

interface LinesProps {
  readonly lines: readonly LogLine[];
  readonly follows: boolean;
  readonly onScrollUp: () => void;
}

function Lines({ lines, follows, onScrollUp }: LinesProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 20,
  });
  useEffect(() => {
    if (follows) virtualizer.scrollToIndex(lines.length - 1, { align: 'end' });
  }, [follows, lines.length, virtualizer]);
  return (
    <div
      ref={scroller}
      className={styles['scroller']}
      tabIndex={0}
      role="log"
      aria-label="Lines of the log"
      data-focus-inside
      onWheel={(event) => {
        if (event.deltaY < 0 && follows) onScrollUp();
      }}
    >
      <div style={{ height: virtualizer.getTotalSize(), position: 'relative' }}>
        {virtualizer.getVirtualItems().map((item) => {
          const line = lines[item.index];
          return (
            line && (
              <div
                key={item.key}
                data-index={item.index}
                ref={virtualizer.measureElement}
                className={styles['place']}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <Line line={line} />
              </div>
            )
          );
        })}
      </div>
    </div>
  );
}

const LEVELS = {
  info: { icon: <Info size={14} />, word: 'Information' },
  warning: { icon: <TriangleAlert size={14} />, word: 'Warning' },
  error: { icon: <CircleAlert size={14} />, word: 'Error' },
} as const;

function Line({ line }: { readonly line: LogLine }) {
  const editor = useEditor();
  const level = levelOf(line);
  const { diagnostic } = line;
  return (
    <div className={cx(styles['line'], styles[level])}>
      <span className={styles['icon']} title={LEVELS[level].word} role="img" aria-label={LEVELS[level].word}>
        {LEVELS[level].icon}
      </span>
      <span className={styles['time']}>{formatClock(line.seconds)}</span>
      <span className={styles['at']}>{line.at}</span>
      <span className={styles['text']}>{lineText(line)}</span>
      {diagnostic && hasPlace(diagnostic) && (
        <Button small variant="quiet" onClick={() => showPlace(editor, diagnostic)}>
          Show {diagnostic.where.node ?? diagnostic.where.model}
        </Button>
      )}
    </div>
  );
}
