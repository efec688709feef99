/**
 * How the app ends. The page writes what is not written yet; runs in progress are asked about; then the engine ends. A
 * window that is hidden with runs in progress stays until the last of them has ended.
 */
import type { ShellRun } from '../engine/protocol/api/shell.ts';
import type { QuitChoice } from './dialogs.ts';

export interface QuitPorts {
  readonly ask: (words: readonly string[]) => Promise<QuitChoice>;
  /** Lets the page write and, where asked, stop the runs; ends when it is done or time is up. */
  readonly closePage: (stopRuns: boolean) => Promise<void>;
  readonly hide: () => void;
  readonly show: () => void;
  /** Ends engine and app; nothing holds it up any more. */
  readonly leave: () => Promise<void>;
}

export interface Quit {
  /** A person wants the window closed or the app ended. True when nothing holds it up. */
  readonly request: () => boolean;
  readonly runsChanged: (runs: readonly ShellRun[]) => void;
  /** A second launch, or a click on the dock: the window comes back. */
  readonly comeBack: () => void;
  /** The system shuts down: there is no time to ask. */
  readonly now: () => void;
}

export function createQuit(ports: QuitPorts): Quit {
  let runs: readonly ShellRun[] = [];
  let state: 'open' | 'asking' | 'background' | 'leaving' | 'gone' = 'open';

  const leave = async (stopRuns: boolean): Promise<void> => {
    state = 'leaving';
    await ports.closePage(stopRuns);
    state = 'gone';
    await ports.leave();
  };
  const decide = async (): Promise<void> => {
    if (runs.length === 0) return leave(false);
    state = 'asking';
    const choice = await ports.ask(runs.map((r) => `${r.name}: ${r.words}`));
    if (choice === 'stop') return leave(true);
    if (choice === 'cancel') {
      state = 'open';
      return;
    }
    // The runs may have ended while the question stood there.
    if (runs.length === 0) return leave(false);
    state = 'background';
    ports.hide();
  };

  return {
    request: () => {
      if (state === 'gone') return true;
      if (state === 'open' || state === 'background') {
        if (state === 'background') ports.show();
        void decide();
      }
      return false;
    },
    runsChanged: (now) => {
      runs = now;
      if (state === 'background' && runs.length === 0) void leave(false);
    },
    comeBack: () => {
      if (state === 'background') state = 'open';
      if (state === 'open' || state === 'asking') ports.show();
    },
    now: () => {
      if (state !== 'leaving' && state !== 'gone') void leave(false);
    },
  };
}
