/** The service's own log: the last lines in memory for the problem report, and all of them where the caller wants. */

export interface LogEntry {
  readonly at: string;
  readonly level: 'info' | 'warning' | 'error';
  readonly text: string;
}

export interface Log {
  readonly info: (text: string) => void;
  readonly warning: (text: string) => void;
  /** Our own faults: the words and the stack. */
  readonly error: (text: string, cause?: unknown) => void;
  readonly tail: () => readonly LogEntry[];
}

const KEPT = 300;
const LONGEST = 4000;

export function createLog(write: (entry: LogEntry) => void = () => undefined): Log {
  let kept: LogEntry[] = [];
  const add = (level: LogEntry['level'], text: string): void => {
    const entry = { at: new Date().toISOString(), level, text: text.slice(0, LONGEST) };
    kept = [...kept.slice(1 - KEPT), entry];
    write(entry);
  };
  return {
    info: (text) => add('info', text),
    warning: (text) => add('warning', text),
    error: (text, cause) => {
      const detail = cause instanceof Error ? (cause.stack ?? cause.message) : typeof cause === 'string' ? cause : '';
      add('error', detail === '' ? text : `${text}\n${detail}`);
    },
    tail: () => kept,
  };
}
