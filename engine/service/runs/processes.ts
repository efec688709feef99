/**
 * Processes that outlive the service, told apart by number and start: a number alone is given to another process sooner or
 * later, and signals must never reach a stranger.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Which process it is. `start` is a text of the system that no later process of the same number has. */
export interface ProcessId {
  readonly pid: number;
  readonly start: string;
}

/** The process that has this number now; undefined when there is none or it has ended and is only not yet collected. */
export function identify(pid: number): ProcessId | undefined {
  const start = process.platform === 'linux' ? startOnLinux(pid) : startElsewhere(pid);
  return start === undefined ? undefined : { pid, start };
}

export function isAlive(id: ProcessId): boolean {
  return identify(id.pid)?.start === id.start;
}

/** Field 22 of `/proc/PID/stat`, in ticks since the machine booted; the name in field 2 may hold blanks and brackets. */
function startOnLinux(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state] = fields;
    const ticks = fields[19];
    if (state === undefined || ticks === undefined || 'ZX'.includes(state)) return undefined;
    return `${bootOf()} ${ticks}`;
  } catch {
    return undefined;
  }
}

function bootOf(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return '';
  }
}

function startElsewhere(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined;
  }
  if (process.platform === 'win32') return 'running';
  try {
    const arguments_ = ['-o', 'stat=,lstart=', '-p', String(pid)];
    const text = execFileSync('ps', arguments_, { timeout: 5000, stdio: ['ignore', 'pipe', 'ignore'] })
      .toString('latin1')
      .trim();
    return text === '' || text.startsWith('Z') ? undefined : text.replace(/^\S+\s+/, '');
  } catch {
    return undefined;
  }
}

/** Sends a signal to the process and all that it started; false when it is not there any more. */
export function signalGroup(id: ProcessId, signal: 'SIGTERM' | 'SIGKILL'): boolean {
  if (!isAlive(id)) return false;
  try {
    if (process.platform === 'win32') {
      const force = signal === 'SIGKILL' ? ['/F'] : [];
      execFileSync('taskkill', ['/PID', String(id.pid), '/T', ...force], { stdio: 'ignore', timeout: 10_000 });
    } else process.kill(-id.pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Resident bytes of a process; undefined where the system does not say. */
export function residentBytes(pid: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}
