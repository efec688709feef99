/** The little markdown of notes: headings, list items, bold, italic, code. The result is text, never HTML. */
export interface Inline {
  readonly kind: 'text' | 'bold' | 'italic' | 'code';
  readonly text: string;
}
export interface Block {
  readonly kind: 'heading' | 'item' | 'paragraph';
  readonly parts: readonly Inline[];
}

export const blocksOf = (text: string): readonly Block[] =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line): Block => {
      const heading = /^#{1,6}\s+(.*)$/.exec(line);
      if (heading) return { kind: 'heading', parts: inlineOf(heading[1] ?? '') };
      const item = /^\s*[-*]\s+(.*)$/.exec(line);
      if (item) return { kind: 'item', parts: inlineOf(item[1] ?? '') };
      return { kind: 'paragraph', parts: inlineOf(line) };
    });

function inlineOf(line: string): readonly Inline[] {
  const parts: Inline[] = [];
  let rest = line;
  while (rest !== '') {
    const found = /\*\*([^*]+)\*\*|\*([^*]+)\*|`([^`]+)`/.exec(rest);
    if (!found) {
      parts.push({ kind: 'text', text: rest });
      break;
    }
    if (found.index > 0) parts.push({ kind: 'text', text: rest.slice(0, found.index) });
    const [all, bold, italic, code] = found;
    if (bold !== undefined) parts.push({ kind: 'bold', text: bold });
    else if (italic !== undefined) parts.push({ kind: 'italic', text: italic });
    else parts.push({ kind: 'code', text: code ?? '' });
    rest = rest.slice(found.index + all.length);
  }
  return parts;
}
