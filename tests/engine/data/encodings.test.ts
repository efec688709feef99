/** Text that is not UTF-8: told apart, placed, and never read with replacement characters. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { byteEncoding, firstInvalidByte, incompleteTail } from '../../../engine/data/encodingGuess.ts';
import { readTable } from '../../../engine/data/readTable.ts';
import { refusal, seeded, temporaryFolder, textsOf, type Folder } from './helpers.ts';

let folder: Folder;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder.remove());

/** Windows-1252 and Latin-1 agree on these characters. */
const latin = (text: string): Buffer => Buffer.from(text, 'latin1');

const utf16 = (text: string, bigEndian: boolean, mark: boolean): Buffer => {
  const bytes = Buffer.from((mark ? '\ufeff' : '') + text, 'utf16le');
  return bigEndian ? bytes.swap16() : bytes;
};

const SENTENCES = 'text\tlabel\nThe café is très bien, garçon\tok\nÜber größere Häuser\tok\n';

describe('encodings', () => {
  it.each([
    ['UTF-16LE', utf16(SENTENCES, false, true)],
    ['UTF-16BE', utf16(SENTENCES, true, true)],
    ['UTF-16LE', utf16(SENTENCES, false, false)],
    ['UTF-16BE', utf16(SENTENCES, true, false)],
    ['WINDOWS-1252', latin(SENTENCES.repeat(3))],
    // "これは日本語の文章です" in Shift-JIS.
    [
      'SHIFT-JIS',
      Buffer.concat([
        latin('text\tlabel\n'),
        Buffer.from('82b182ea82cd93fa967b8cea82cc95b68fcd82c582b7', 'hex'),
        latin('\tok\n'),
      ]),
    ],
  ])('%s is named with a way to convert it', async (name, bytes) => {
    const [first] = await refusal(folder.write('encoded.tsv', bytes));
    expect(first!.code).toBe('file-encoding');
    expect(first!.message).toContain(`It looks like ${name}.`);
    expect(first!.fix).toContain(`iconv -f ${name} -t UTF-8`);
  });

  it('gives the exact place and a readable preview, also far into the file', async () => {
    const before = 'text,label\n' + 'plain line,ok\n'.repeat(100_000);
    const [first] = await refusal(folder.write('late.csv', Buffer.concat([latin(before), latin('the café,ok\n')])));
    expect(first!.message).toContain(`(line 100002, byte ${before.length + 7})`);
    expect(first!.found).toContain('the café,ok');
  });

  it('calls half a surrogate pair by its name', async () => {
    const bytes = Buffer.concat([latin('text\tlabel\nx'), Buffer.from('eda0bd', 'hex'), latin('\tok\n')]);
    const [first] = await refusal(folder.write('half.tsv', bytes));
    expect(first!.message).toContain('half of a surrogate pair, which is not UTF-8 (line 2, byte 12)');
  });

  it('refuses a file that ends inside of a character', async () => {
    const [first] = await refusal(folder.write('end.tsv', Buffer.from('text\tlabel\nx\té').subarray(0, -1)));
    expect(first!.message).toContain('(line 2, byte 13)');
  });

  it('reads characters that lie on the border of two chunks', async () => {
    for (const shift of [0, 1, 2, 3]) {
      const text = `${'x'.repeat(shift)}${'😀'.repeat(300_000)}`;
      const table = await readTable(folder.write('border.tsv', `text\tlabel\n${text}\tok\n`));
      expect(textsOf(table, 'text')[0] === text).toBe(true);
    }
  });
});

describe('finding the first invalid byte', () => {
  it('agrees with a decoder that reads byte by byte', () => {
    const next = seeded(3);
    const parts = ['a', 'é', '語', '😀', 'plain text '];
    for (let round = 0; round < 500; round++) {
      const good = Buffer.from(Array.from({ length: next(40) }, () => parts[next(parts.length)]).join(''));
      const bytes = Buffer.from(good);
      const bad = bytes.length > 0 && next(4) > 0;
      if (bad) bytes[next(bytes.length)] = [0xff, 0xc0, 0x80, 0xed, 0xf5][next(5)] as number;
      let whole = 0;
      // The longest prefix of whole characters, by trying every end.
      for (let end = 1; end <= bytes.length; end++) if (decodes(bytes.subarray(0, end))) whole = end;
      const expected = whole === bytes.length ? -1 : whole;
      expect(firstInvalidByte(bytes)).toBe(expected);
    }
  });

  it('counts the bytes of an unfinished character', () => {
    const smile = Buffer.from('a😀');
    expect([5, 4, 3, 2, 1, 0].map((n) => incompleteTail(smile.subarray(0, n)))).toEqual([0, 3, 2, 1, 0, 0]);
  });

  it('gives no guess for noise', () => {
    const next = seeded(9);
    const noise = Uint8Array.from({ length: 64 }, () => 128 + next(32));
    const guess = byteEncoding(noise);
    expect(guess === undefined || guess.name.length > 0).toBe(true);
  });
});

function decodes(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
