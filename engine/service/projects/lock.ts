/**
 * A lock on a folder, held by a process: two services must not keep one journal. The file names the process and the boot
 * of the machine, so that a lock of a process that was killed, or of before a restart, counts for nothing.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Lock {
  readonly release: () => void;
}

const FILE = 'lock';

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Takes the lock, or gives the process that holds it. */
export function takeLock(folder: string): Lock | { readonly heldBy: number } {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, FILE);
  const mine = `${process.pid} ${bootId()}`;
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      writeFileSync(file, mine, { flag: 'wx' });
      return { release: () => rmSync(file, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const [pid, boot] = holder(file);
    if (pid !== undefined && pid !== process.pid && boot === bootId() && isAlive(pid)) return { heldBy: pid };
    rmSync(file, { force: true });
  }
  return { heldBy: 0 };
}

function holder(file: string): readonly [number | undefined, string] {
  try {
    const [pid, boot = ''] = readFileSync(file, 'utf8').split(' ');
    return [Number(pid), boot];
  } catch {
    return [undefined, ''];
  }
}
