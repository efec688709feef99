/**
 * Starts a process of this program from its bundle. Nothing of the caller's standard input is inherited, and variables that
 * could change what Node loads are left out.
 */
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { pathToFileURL } from 'node:url';

export interface SpawnOptions {
  readonly stdio: StdioOptions;
  /** How much the process yields to others, 0 to 19. */
  readonly nice: number;
  readonly cwd?: string;
  /** A process that outlives the service. */
  readonly detached?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

const LEFT_OUT = ['NODE_OPTIONS', 'NODE_PATH', 'ELECTRON_RUN_AS_NODE', 'ESPALIER_TOKEN'];

/** The arguments for Node that run `main(args)` of the bundle and exit with its code. */
export function engineArguments(entry: string, args: readonly string[]): readonly string[] {
  const url = JSON.stringify(pathToFileURL(entry).href);
  const program = `import(${url}).then((m)=>m.main(process.argv.slice(1))).then((c)=>process.exit(c))`;
  return ['--eval', program, '--', ...args];
}

export function spawnEngine(entry: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  const env = { ...process.env, ...options.env };
  for (const name of LEFT_OUT) delete env[name];
  const child = spawn(process.execPath, engineArguments(entry, args), {
    stdio: options.stdio,
    env,
    detached: options.detached === true,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    windowsHide: true,
  });
  if (child.pid !== undefined && options.nice > 0) {
    try {
      setPriority(child.pid, Math.min(options.nice, constants.priority.PRIORITY_LOW));
    } catch {
      // The process has ended already, or the system does not allow it; it then runs at the usual priority.
    }
  }
  return child;
}
