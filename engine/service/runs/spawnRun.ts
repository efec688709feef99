/** Starts the process of a run, which outlives the service: a group of its own, no pipe to us, its events into its folder. */
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { spawnEngine } from '../spawnEngine.ts';
import { identify, type ProcessId } from './processes.ts';
import { documentFolder } from './record.ts';
import type { Run } from './run.ts';

export interface Started {
  readonly child: ChildProcess;
  readonly id: ProcessId;
}

/** Below windows and services, so that the app stays quick while a model trains. */
const NICE = 10;

export interface Host {
  readonly entry: string;
  readonly home: string;
  /** The folder with custom nodes. */
  readonly folder: string;
}

/** Throws when the system gives no process. */
export function spawnRun(run: Run, host: Host): Started {
  const { target, threads } = run.record;
  const folder = documentFolder(run.workspace);
  const args = [
    ...['run', run.file('document'), '--json', '--resume', '--baselines'],
    ...['--out', run.workspace, '--folder', folder],
    ...['--events', run.file('events'), '--threads', String(threads)],
    ...(target === undefined ? [] : ['--to', target]),
  ];
  const output = openSync(run.file('output'), 'a');
  try {
    const child = spawnEngine(host.entry, args, {
      stdio: ['ignore', output, output],
      nice: NICE,
      detached: true,
      cwd: folder,
      env: { ESPALIER_HOME: host.home, ESPALIER_WORKSPACE: host.folder },
    });
    // Without a listener the fault of a program that cannot be started would end the service.
    child.on('error', () => undefined);
    const id = child.pid === undefined ? undefined : identify(child.pid);
    if (id === undefined) throw new Error('the system gave no process');
    child.unref();
    return { child, id };
  } finally {
    closeSync(output);
  }
}
