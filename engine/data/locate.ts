/** Turns byte offsets into line numbers by counting line ends; used only once something is wrong and a place is needed. */
import { open } from 'node:fs/promises';

export interface FilePlace {
  /** Counted from 1. A line ends with a line feed, a carriage return, or both. */
  readonly line: number;
  /** Counted from 0. */
  readonly byte: number;
}

const CHUNK = 2 ** 20;
const LF = 0x0a;
const CR = 0x0d;

/**
 * The places of `offsets` (ascending). With `skipLineEnds` an offset is first moved over line ends, so that the end of one
 * record becomes the begin of the next one also when empty lines stand between them.
 */
export async function locate(
  file: string,
  offsets: readonly number[],
  { skipLineEnds }: { readonly skipLineEnds: boolean },
): Promise<readonly FilePlace[]> {
  const places: FilePlace[] = [];
  const handle = await open(file, 'r');
  try {
    const buffer = Buffer.allocUnsafe(CHUNK);
    let line = 1;
    let previous = 0;
    for (let start = 0; places.length < offsets.length;) {
      const { bytesRead } = await handle.read(buffer, 0, CHUNK, start);
      if (bytesRead === 0) break;
      for (let i = 0; i < bytesRead && places.length < offsets.length; i++) {
        const byte = buffer[i] as number;
        const isEnd = byte === LF || byte === CR;
        // The line feed of a carriage return plus line feed belongs to the line that the carriage return ended.
        if (previous === LF || (previous === CR && byte !== LF)) line += 1;
        while (places.length < offsets.length && start + i >= (offsets[places.length] as number)) {
          if (skipLineEnds && isEnd) break;
          places.push({ line, byte: start + i });
        }
        previous = byte;
      }
      start += bytesRead;
    }
    while (places.length < offsets.length) places.push({ line, byte: offsets[places.length] as number });
  } finally {
    await handle.close();
  }
  return places;
}
