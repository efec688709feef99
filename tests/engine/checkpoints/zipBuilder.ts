/** The smallest zip writer: stored entries, no checksums (yauzl reads none), any names, so that tests can be wrong. */

export interface ZipEntry {
  readonly name: string;
  readonly content: Uint8Array;
  /** The size that the archive claims; default: the true one. */
  readonly claimedSize?: number;
}

export function zipOf(entries: readonly ZipEntry[]): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content, claimedSize } of entries) {
    const utf8 = Buffer.from(name, 'utf8');
    const sizes = fields([4, 0], [4, content.length], [4, claimedSize ?? content.length], [2, utf8.length], [2, 0]);
    const common = Buffer.concat([fields([2, 20], [2, 0x800], [2, 0], [4, 0]), sizes]);
    const local = Buffer.concat([fields([4, 0x04034b50]), common, utf8, content]);
    directory.push(
      Buffer.concat([
        fields([4, 0x02014b50], [2, 20]),
        common,
        fields([2, 0], [2, 0], [2, 0], [4, 0], [4, offset]),
        utf8,
      ]),
    );
    locals.push(local);
    offset += local.length;
  }
  const size = directory.reduce((sum, d) => sum + d.length, 0);
  const count = entries.length;
  const end = fields([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, size], [4, offset], [2, 0]);
  return Buffer.concat([...locals, ...directory, end]);
}

/** Little-endian integers, each given as its number of bytes and its value. */
function fields(...list: readonly (readonly [number, number])[]): Buffer {
  return Buffer.concat(
    list.map(([bytes, value]) => {
      const field = Buffer.alloc(bytes);
      field.writeUIntLE(value, 0, bytes);
      return field;
    }),
  );
}
