/** Archives of files that are stored as they are: trained weights don't get smaller by packing. */
import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { writeFileDurable } from '../../base/durable.ts';

export interface ZipEntry {
  /** Path in the archive, with `/`. */
  readonly name: string;
  readonly path: string;
}

/** 1 January 1980, so that equal files give equal archives. */
const DOS_DATE = 0x21;

/** Writes the archive durably. Files are below 4 GiB each, as the format without its extension allows. */
export function storedZip(path: string, entries: readonly ZipEntry[]): void {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const { name, path: file } of entries) {
    const content = readFileSync(file);
    const fields = common(crc32(content), content.length, Buffer.byteLength(name, 'utf8'));
    const local = Buffer.concat([u32(0x04034b50), fields, u16(0), Buffer.from(name, 'utf8')]);
    directory.push(
      Buffer.concat([
        u32(0x02014b50),
        u16(20),
        fields,
        u16(0),
        u16(0),
        u16(0),
        u16(0),
        u32(0),
        u32(offset),
        Buffer.from(name, 'utf8'),
      ]),
    );
    parts.push(local, content);
    offset += local.length + content.length;
  }
  const size = directory.reduce((n, d) => n + d.length, 0);
  const count = u16(entries.length);
  const end = Buffer.concat([u32(0x06054b50), u16(0), u16(0), count, count, u32(size), u32(offset), u16(0)]);
  writeFileDurable(path, [...parts, ...directory, end]);
}

/** Version 2.0, names in UTF-8, no compression. */
const common = (crc: number, size: number, nameLength: number): Buffer =>
  Buffer.concat([u16(20), u16(0x0800), u16(0), u16(0), u16(DOS_DATE), u32(crc), u32(size), u32(size), u16(nameLength)]);

function u16(x: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(x);
  return bytes;
}

function u32(x: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(x);
  return bytes;
}
