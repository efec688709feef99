/** Lines of a source with their exact places. A line of any length is met in bounded memory: what is over the cap is dropped. */
import type { Source } from './source.ts';

export interface Line {
  /** Without the line end. Empty when the line was too long. */
  readonly text: string;
  /** Counted from 1. */
  readonly line: number;
  /** Place of the first byte in the file, from 0. */
  readonly byte: number;
  /** Length in bytes without the line end. */
  readonly bytes: number;
  readonly tooLong: boolean;
  /** False for a last line that no line end follows. */
  readonly ended: boolean;
}

const LF = 0x0a;
const CR = 0x0d;

/** Yields the lines of a source in groups (one group for each chunk). Lines end with a line feed, which CR may precede. */
export async function* readLines(source: Source, largestLine: number): AsyncGenerator<readonly Line[], void> {
  let parts: Buffer[] = [];
  let held = 0;
  let line = 1;
  let place = 0;
  const take = (end: Buffer, ended: boolean): Line => {
    const bytes = held + end.length;
    const tooLong = bytes > largestLine;
    const content = tooLong ? end.subarray(0, 0) : parts.length === 0 ? end : Buffer.concat([...parts, end]);
    const length = ended && content[content.length - 1] === CR ? content.length - 1 : content.length;
    const taken = {
      text: content.toString('utf8', 0, length),
      line,
      byte: place + source.markBytes(),
      bytes: tooLong ? bytes : length,
      tooLong,
      ended,
    };
    parts = [];
    held = 0;
    line += 1;
    place += bytes + (ended ? 1 : 0);
    return taken;
  };
  for await (const chunk of source.chunks()) {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      lines.push(take(chunk.subarray(start, end), true));
      start = end + 1;
    }
    const rest = chunk.subarray(start);
    if (held + rest.length <= largestLine) parts.push(rest);
    else parts = [];
    held += rest.length;
    if (lines.length > 0) yield lines;
  }
  if (held > 0) yield [take(Buffer.alloc(0), false)];
}
