/** What this process takes of the machine's memory. */
import { readFileSync } from 'node:fs';

/** Bytes of the process that are its own, not pages of files; undefined where the system doesn't tell. */
export function anonymousBytes(): number | undefined {
  try {
    const kilobytes = /RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    return kilobytes === undefined ? undefined : 1024 * Number(kilobytes);
  } catch {
    return undefined;
  }
}
