/**
 * Tells which encoding a text looks like that is not UTF-8, so that the message can say how to convert it. Guessing is
 * only ever used for words: nothing is decoded with a guess.
 */
import { isUtf8 } from 'node:buffer';
import { analyse } from 'chardet';

export interface EncodingGuess {
  /** A name that iconv knows. */
  readonly name: string;
  /** The first bytes of the sample read in that encoding. */
  readonly preview: string;
}

const BYTE_ORDER_MARKS: readonly (readonly [string, readonly number[]])[] = [
  ['UTF-32LE', [0xff, 0xfe, 0, 0]],
  ['UTF-32BE', [0, 0, 0xfe, 0xff]],
  ['UTF-16LE', [0xff, 0xfe]],
  ['UTF-16BE', [0xfe, 0xff]],
];

/** Below this confidence (of 100) the guess is more confusing than none. */
const LEAST_CONFIDENCE = 15;
const PREVIEW_LENGTH = 60;

/** The wide encoding that the head of a file shows by its mark or by its zero bytes; undefined for byte encodings. */
export function wideEncoding(head: Uint8Array): EncodingGuess | undefined {
  const marked = BYTE_ORDER_MARKS.find(([, mark]) => mark.every((byte, i) => head[i] === byte));
  if (marked !== undefined) return { name: marked[0], preview: previewOf(head, marked[0]) };
  // Latin text in UTF-16 without a mark has a zero in every second place; real text has no zeros at all.
  const sample = head.subarray(0, 4096);
  let even = 0;
  let odd = 0;
  for (let i = 0; i < sample.length; i++) {
    if (sample[i] !== 0) continue;
    if (i % 2 === 0) even += 1;
    else odd += 1;
  }
  const half = sample.length / 2;
  const name =
    odd > 0.4 * half && even < 0.1 * half ? 'UTF-16LE' : even > 0.4 * half && odd < 0.1 * half ? 'UTF-16BE' : '';
  return name === '' ? undefined : { name, preview: previewOf(head, name) };
}

/** A byte encoding for text that is known not to be UTF-8; undefined when nothing fits. */
export function byteEncoding(sample: Uint8Array): EncodingGuess | undefined {
  const best = analyse(sample).find((match) => match.name !== 'UTF-8' && match.name !== 'ASCII');
  if (best === undefined || best.confidence < LEAST_CONFIDENCE) return undefined;
  // What is called Latin-1 is Windows-1252 nearly always, which only adds characters to it.
  const name = best.name === 'ISO-8859-1' ? 'WINDOWS-1252' : best.name.toUpperCase().replace('_', '-');
  return { name, preview: previewOf(sample, name) };
}

/** The begin of `sample` read in the encoding `name`, for showing. */
export function previewOf(sample: Uint8Array, name: string): string {
  const label = name.startsWith('UTF-32') ? 'utf-16le' : name.toLowerCase();
  try {
    return new TextDecoder(label).decode(sample.subarray(0, 400)).replaceAll('\0', '').slice(0, PREVIEW_LENGTH);
  } catch {
    return Buffer.from(sample).toString('latin1').slice(0, PREVIEW_LENGTH);
  }
}

/** The place of the first byte that is not UTF-8, or -1; the buffer is known to begin at a character. */
export function firstInvalidByte(bytes: Uint8Array): number {
  if (isUtf8(bytes)) return -1;
  let low = 0;
  let high = bytes.length;
  // Invariant: the first `low` bytes are whole characters; the first `high` bytes are not.
  while (high - low > 8) {
    const middle = (low + high) >> 1;
    const whole = middle - incompleteTail(bytes.subarray(low, middle));
    if (whole > low && isUtf8(bytes.subarray(low, whole))) low = whole;
    else high = middle;
  }
  for (let at = low; at < bytes.length;) {
    const length = characterLength(bytes[at] as number);
    if (length === 0 || at + length > bytes.length || !isUtf8(bytes.subarray(at, at + length))) return at;
    at += length;
  }
  return -1;
}

/** How many bytes at the end begin a character that is not complete yet; 0 to 3. */
export function incompleteTail(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number;
    if ((byte & 0xc0) === 0x80) continue;
    return characterLength(byte) > back ? back : 0;
  }
  return 0;
}

function characterLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xc2) return 0;
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) return 3;
  return lead < 0xf5 ? 4 : 0;
}
