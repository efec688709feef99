/**
 * Token files (CoNLL): on each line a token and its tag, separated by a tab or blanks, an empty line between sentences.
 * With more fields the first is the token and the last the tag. A row is a sentence. `-DOCSTART-` lines are passed over.
 */
import { readLines, type Line } from './lines.ts';
import { fileMessages, refuseData, rowMessages, type Problem } from './messages.ts';
import type { ReadLimits } from './readTsv.ts';
import type { Source } from './source.ts';
import { FaultList, type Column, type RawTable } from './table.ts';

export const TOKENS_COLUMN = 'tokens';
export const TAGS_COLUMN = 'tags';

export async function readConll(source: Source, limits: ReadLimits): Promise<RawTable> {
  const { file } = source;
  const faults = new FaultList();
  const rowNumbers: number[] = [];
  /** One list of sentences for each field. */
  const fields: string[][][] = [];
  let width = 0;
  let separator: RegExp | undefined;
  let sentence: string[][] = [];
  let begin: Line | undefined;
  let problem: Problem | undefined;
  let row = 0;

  const finishSentence = (): void => {
    if (begin === undefined) return;
    row += 1;
    if (problem !== undefined) faults.add({ row, line: begin.line, byte: begin.byte, problem });
    else {
      rowNumbers.push(row);
      for (let f = 0; f < width; f++) (fields[f] as string[][]).push(sentence.map((token) => token[f] as string));
    }
    sentence = [];
    begin = undefined;
    problem = undefined;
  };

  for await (const lines of readLines(source, limits.cell)) {
    for (const line of lines) {
      if (!line.tooLong && line.text.trim() === '') {
        finishSentence();
        continue;
      }
      if (line.text.startsWith('-DOCSTART-')) continue;
      begin ??= line;
      separator ??= line.text.includes('\t') ? /\t/ : /[ \t]+/;
      const parts = line.text.trimEnd().split(separator);
      if (width === 0 && parts.length > 1) {
        width = parts.length;
        for (let f = 0; f < width; f++) fields.push([]);
      }
      problem ??= problemOf(line, parts, width, limits);
      sentence.push(parts);
    }
  }
  finishSentence();
  if (row === 0) return refuseData({ file }, fileMessages.noRows('sentences'));
  if (width === 0) return refuseData({ file }, rowMessages.noTag(1));
  const columns = new Map<string, Column>();
  fields.forEach((values, f) => {
    const name = f === 0 ? TOKENS_COLUMN : f === width - 1 ? TAGS_COLUMN : `field ${f + 1}`;
    columns.set(name, { kind: 'list', values });
  });
  return { columns, rowNumbers, rowsIn: row, faults };
}

function problemOf(line: Line, parts: readonly string[], width: number, limits: ReadLimits): Problem | undefined {
  if (line.tooLong) return rowMessages.cellTooLarge(line.bytes, limits.cell);
  if (line.text.includes('\0')) return rowMessages.nul();
  if (line.text.includes('\r')) return rowMessages.carriageReturn();
  if (parts.length === 1 || parts.some((part) => part === '')) return rowMessages.noTag(line.line);
  return parts.length === width ? undefined : rowMessages.raggedToken(line.line, width, parts.length);
}
