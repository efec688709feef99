/**
 * The inner loop of keep noise in WebAssembly SIMD: the decisions of `fillKeep` (engine/base/counterHash.ts), written as the
 * factors 0 and 1 / (1 - p) of inverted dropout. Plain JavaScript takes 2 to 3 ns an element, which is a tenth of a training
 * step; this takes 0.3. Written as an assembly of named instructions, so that no tool is needed to build it.
 */

/** `fill(out, end, state, threshold, keep)`: byte addresses, 8 elements (32 bytes) a turn. */
export type KeepFill = (out: number, end: number, state: number, threshold: number, keep: number) => void;

const MULTIPLIER_1 = 0x85ebca6b;
const MULTIPLIER_2 = 0xc2b2ae35;
const GOLDEN = 0x9e3779b9;

/** LEB128, signed as constants are. */
function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const byte = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && (byte & 0x40) === 0) || (rest === -1 && (byte & 0x40) !== 0);
    bytes.push(done ? byte : byte | 0x80);
    if (done) return bytes;
  }
}

function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

const simd = (opcode: number): number[] => [0xfd, ...unsigned(opcode)];
const lanes = (a: number, b: number, c: number, d: number): number[] => [
  ...new Uint8Array(Uint32Array.of(a, b, c, d).buffer),
];

const I32 = 0x7f;
const V128 = 0x7b;
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const tee = (local: number): number[] => [0x22, local];
const i32Const = (value: number): number[] => [0x41, ...signed(value)];
const I32_ADD = 0x6a;
const I32_GE_U = 0x4f;
const v128Const = (a: number, b: number, c: number, d: number): number[] => [...simd(12), ...lanes(a, b, c, d)];
const everywhere = (value: number): number[] => v128Const(value, value, value, value);
const shuffle = (bytes: readonly number[]): number[] => [...simd(13), ...bytes];
const store = (offset: number): number[] => [...simd(11), 0, ...unsigned(offset)];
const SPLAT = simd(17);
const AT_LEAST = simd(63);
const AND = simd(78);
const XOR = simd(81);
const SHIFT_RIGHT = simd(173);
const ADD = simd(174);
const MULTIPLY = simd(181);

/** Byte order of a shuffle that interleaves 32-bit lanes `from` and `from + 1` of two vectors. */
const interleaved = (from: number): number[] =>
  [from, 4 + from, from + 1, 5 + from].flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte));

// Locals: the five parameters, then vectors.
const [OUT, END, STATE, THRESHOLD, KEEP, COUNTER, HASH, LIMIT, FACTOR, LOW] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

/** h ^ (h >>> bits) */
const fold = (bits: number): number[] => [...tee(HASH), ...get(HASH), ...i32Const(bits), ...SHIFT_RIGHT, ...XOR];

const BODY: readonly number[] = [
  ...[...get(STATE), ...SPLAT, ...v128Const(0, GOLDEN, 2 * GOLDEN, 3 * GOLDEN), ...ADD, ...set(COUNTER)],
  ...[...get(THRESHOLD), ...SPLAT, ...set(LIMIT), ...get(KEEP), ...SPLAT, ...set(FACTOR)],
  ...[0x02, 0x40, 0x03, 0x40], // block, loop
  ...[...get(OUT), ...get(END), I32_GE_U, 0x0d, 1], // leave the block at the end
  // The finaliser of MurmurHash3 over four counters.
  ...[...get(COUNTER), ...fold(16), ...everywhere(MULTIPLIER_1), ...MULTIPLY],
  ...[...fold(13), ...everywhere(MULTIPLIER_2), ...MULTIPLY],
  ...[...fold(16), ...set(HASH)],
  // Two decisions a hash: the low 16 bits, then the high 16 bits.
  ...[...get(HASH), ...everywhere(0xffff), ...AND, ...get(LIMIT), ...AT_LEAST, ...get(FACTOR), ...AND, ...set(LOW)],
  ...[...get(HASH), ...i32Const(16), ...SHIFT_RIGHT, ...get(LIMIT), ...AT_LEAST, ...get(FACTOR), ...AND, ...set(HASH)],
  ...[...get(OUT), ...get(LOW), ...get(HASH), ...shuffle(interleaved(0)), ...store(0)],
  ...[...get(OUT), ...get(LOW), ...get(HASH), ...shuffle(interleaved(2)), ...store(16)],
  ...[...get(COUNTER), ...everywhere(4 * GOLDEN), ...ADD, ...set(COUNTER)],
  ...[...get(OUT), ...i32Const(32), I32_ADD, ...set(OUT), 0x0c, 0], // again
  ...[0x0b, 0x0b, 0x0b], // end of loop, block, function
];

const section = (id: number, content: readonly number[]): number[] => [id, ...unsigned(content.length), ...content];
const name = (text: string): number[] => [text.length, ...new TextEncoder().encode(text)];
const MAX_PAGES = 65536;

const MODULE = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, [1, 0x60, 5, I32, I32, I32, I32, I32, 0]),
  ...section(2, [1, ...name('m'), ...name('memory'), 0x02, 0x01, 0, ...unsigned(MAX_PAGES)]),
  ...section(3, [1, 0]),
  ...section(7, [1, ...name('fill'), 0x00, 0]),
  ...section(10, code([...[1, 5, V128], ...BODY])),
]);

function code(body: readonly number[]): number[] {
  return [1, ...unsigned(body.length), ...body];
}

/** What is used of WebAssembly, whose global types come with a browser's library only. */
interface WasmApi {
  readonly Memory: new (limits: { readonly initial: number; readonly maximum: number }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: Readonly<Record<string, Readonly<Record<string, WasmMemory>>>>,
  ) => { readonly exports: Readonly<Record<string, unknown>> };
}

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

const wasm = (globalThis as unknown as { readonly WebAssembly: WasmApi }).WebAssembly;

export function compileKeepKernel(memory: WasmMemory): KeepFill {
  const instance = new wasm.Instance(new wasm.Module(MODULE), { m: { memory } });
  return instance.exports['fill'] as KeepFill;
}

export const newMemory = (): WasmMemory => new wasm.Memory({ initial: 1, maximum: MAX_PAGES });
