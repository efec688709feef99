/**
 * The metrics of a run as JSON lines, append-only. Lines hold nothing of time or machine, so that a resumed run's file
 * equals the uninterrupted one's byte by byte; on resume the file is cut to where the checkpoint was made. A line that the
 * disk refuses waits in memory and is tried again with the next.
 */
import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync } from 'node:fs';
import { writeAll } from '../base/durable.ts';
import type { Diagnostic } from '../base/errors.ts';
import { systemCode } from './checkpointIo.ts';
import * as messages from './messages.ts';

export type MetricsValue =
  string | number | boolean | null | readonly MetricsValue[] | { readonly [key: string]: MetricsValue };
/** One line; `event` and `step` are in every line. */
export type MetricsLine = { readonly event: string; readonly step: number } & { readonly [key: string]: MetricsValue };

/** JSON has no NaN and no infinity; a figure that is none is null. */
export const figure = (value: number): number | null => (Number.isFinite(value) ? value : null);

export class MetricsLog {
  readonly #fd: number;
  /** Bytes of whole lines in the file. */
  #bytes: number;
  #waiting = '';

  /** Opens the file and cuts it to `bytes`. */
  constructor(path: string, bytes: number, warn: (d: Diagnostic) => void) {
    this.#fd = openSync(path, 'a');
    const size = fstatSync(this.#fd).size;
    if (size < bytes) warn(messages.logShortened(path, size, bytes));
    if (size > bytes) ftruncateSync(this.#fd, bytes);
    this.#bytes = Math.min(size, bytes);
  }

  /** Where the next line begins. */
  get bytes(): number {
    return this.#bytes + Buffer.byteLength(this.#waiting, 'utf8');
  }

  append(line: MetricsLine): void {
    this.#waiting += `${JSON.stringify(line)}\n`;
    this.#write();
  }

  /** Waits until every line is on the disk. Gives the code of the system's error when that is not possible now. */
  sync(): string | undefined {
    const refused = this.#write();
    if (refused !== undefined) return refused;
    try {
      fsyncSync(this.#fd);
    } catch (error) {
      return codeOrThrow(error);
    }
    return undefined;
  }

  close(): void {
    this.#write();
    closeSync(this.#fd);
  }

  /** Writes what waits; after a refusal the file is cut back to whole lines, and the refusal is returned. */
  #write(): string | undefined {
    if (this.#waiting === '') return undefined;
    const bytes = Buffer.from(this.#waiting, 'utf8');
    try {
      writeAll(this.#fd, bytes);
    } catch (error) {
      const code = codeOrThrow(error);
      ftruncateSync(this.#fd, this.#bytes);
      return code;
    }
    this.#bytes += bytes.length;
    this.#waiting = '';
    return undefined;
  }
}

function codeOrThrow(error: unknown): string {
  const code = systemCode(error);
  if (code === undefined) throw error;
  return code;
}
