/**
 * Line breaking in the manner of Wadler's pretty printer: a group stands on one line where it fits, else its lines break.
 * The documents built from it in `print.ts` follow the style of ruff and black.
 */
export type Doc =
  | string
  | readonly Doc[]
  | { readonly kind: 'group'; readonly doc: Doc }
  /** One line where it fits, else `first` where its own first line fits, else `second`. */
  | { readonly kind: 'either'; readonly first: Doc; readonly second: Doc }
  | { readonly kind: 'indent'; readonly doc: Doc }
  /** A space or nothing on one line, else a line break. */
  | { readonly kind: 'line'; readonly flat: ' ' | '' }
  | { readonly kind: 'hardline' }
  /** Text that stands only where the group is broken. */
  | { readonly kind: 'ifBroken'; readonly text: string };

export const group = (doc: Doc): Doc => ({ kind: 'group', doc });
export const either = (first: Doc, second: Doc): Doc => ({ kind: 'either', first, second });
export const indent = (doc: Doc): Doc => ({ kind: 'indent', doc });
export const ifBroken = (text: string): Doc => ({ kind: 'ifBroken', text });
export const LINE: Doc = { kind: 'line', flat: ' ' };
export const SOFTLINE: Doc = { kind: 'line', flat: '' };
export const HARDLINE: Doc = { kind: 'hardline' };

const STEP = 4;

interface Item {
  readonly depth: number;
  readonly broken: boolean;
  readonly doc: Doc;
}

const isList = (doc: Doc): doc is readonly Doc[] => Array.isArray(doc);

/** Whether what comes next fits into `room` columns up to the next line break. What follows the group may break anywhere. */
function fits(first: Item, rest: readonly Item[], room: number): boolean {
  const stack: Item[] = [...rest].reverse();
  stack.push(first);
  let left = room;
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    const { doc, broken, depth } = item;
    if (typeof doc === 'string') left -= doc.length;
    else if (isList(doc)) for (let i = doc.length - 1; i >= 0; i--) stack.push({ depth, broken, doc: doc[i] as Doc });
    else if (doc.kind === 'group') stack.push({ depth, broken, doc: doc.doc });
    else if (doc.kind === 'either') stack.push({ depth, broken, doc: doc.first });
    else if (doc.kind === 'indent') stack.push({ depth, broken, doc: doc.doc });
    else if (doc.kind === 'hardline') return true;
    else if (doc.kind === 'ifBroken') left -= broken ? doc.text.length : 0;
    else if (broken) return true;
    else left -= doc.flat.length;
    if (left < 0) return false;
  }
  return true;
}

/** The text of a document, with no line longer than `width` where breaking can help it. */
export function render(doc: Doc, width: number): string {
  let out = '';
  let column = 0;
  const todo: Item[] = [{ depth: 0, broken: true, doc }];
  for (let item = todo.pop(); item !== undefined; item = todo.pop()) {
    const { doc: d, broken, depth } = item;
    if (typeof d === 'string') {
      out += d;
      column += d.length;
    } else if (isList(d)) for (let i = d.length - 1; i >= 0; i--) todo.push({ depth, broken, doc: d[i] as Doc });
    else if (d.kind === 'indent') todo.push({ depth: depth + 1, broken, doc: d.doc });
    else if (d.kind === 'group') {
      const flat: Item = { depth, broken: false, doc: d.doc };
      const upcoming = todo.slice(-40).reverse();
      todo.push(fits(flat, upcoming, width - column) ? flat : { ...flat, broken: true });
    } else if (d.kind === 'either') {
      const upcoming = todo.slice(-40).reverse();
      const isFlat = fits({ depth, broken: false, doc: d.first }, upcoming, width - column);
      const first: Item = { depth, broken: !isFlat, doc: d.first };
      todo.push(
        isFlat || fits(first, upcoming, width - column) ? first : { depth, broken: true, doc: group(d.second) },
      );
    } else if (d.kind === 'ifBroken') {
      if (broken) {
        out += d.text;
        column += d.text.length;
      }
    } else if (d.kind === 'line' && !broken) {
      out += d.flat;
      column += d.flat.length;
    } else {
      out = `${out.replace(/ +$/, '')}\n${' '.repeat(STEP * depth)}`;
      column = STEP * depth;
    }
  }
  return out
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
