/** Reading a file that another process appends to, line by line. A part of a line waits until its end is there. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';

const CHUNK = 2 ** 18;
/** A line of a run is far shorter; what is longer was not written by one. */
const LONGEST_LINE = 8 * 2 ** 20;

export class FileTail {
  readonly #path: string;
  #offset = 0;
  #rest = '';
  #decoder = new StringDecoder('utf8');
  #fd: number | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** The whole lines that were added since the last call; none while there is no file. */
  read(): readonly string[] {
    const fd = this.#open();
    if (fd === undefined) return [];
    const lines: string[] = [];
    const buffer = Buffer.allocUnsafe(CHUNK);
    for (;;) {
      const count = readSync(fd, buffer, 0, CHUNK, this.#offset);
      if (count === 0) break;
      this.#offset += count;
      const parts = (this.#rest + this.#decoder.write(buffer.subarray(0, count))).split('\n');
      this.#rest = parts.pop() ?? '';
      if (this.#rest.length > LONGEST_LINE) this.#rest = '';
      for (const part of parts) if (part !== '') lines.push(part);
    }
    return lines;
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #open(): number | undefined {
    if (this.#fd !== undefined) {
      // A writer that the disk refused cuts the file back to whole lines.
      if (fstatSync(this.#fd).size >= this.#offset) return this.#fd;
      this.#offset = fstatSync(this.#fd).size;
      this.#rest = '';
      this.#decoder = new StringDecoder('utf8');
      return this.#fd;
    }
    try {
      this.#fd = openSync(this.#path, 'r');
    } catch {
      return undefined;
    }
    return this.#fd;
  }
}

/** The last lines of a file of text, for words about how a process ended; empty when there is none. */
export function lastLines(path: string, count: number): string {
  try {
    const fd = openSync(path, 'r');
    try {
      const { size } = fstatSync(fd);
      const length = Math.min(size, 8192);
      const buffer = Buffer.alloc(length);
      readSync(fd, buffer, 0, length, size - length);
      return buffer.toString('utf8').trim().split('\n').slice(-count).join('\n');
    } finally {
      closeSync(fd);
    }
  } catch {
    return '';
  }
}
