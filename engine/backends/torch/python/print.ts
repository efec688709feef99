/** Prints Python syntax in the layout of `ruff format`, 88 columns wide. It takes holes for a mistake: they are filled before. */
import { BugError } from '../../../base/errors.ts';
import { either, group, HARDLINE, ifBroken, indent, LINE, render, SOFTLINE, type Doc } from './layout.ts';
import { docstring } from './literals.ts';
import type { BinaryOp, ClassDef, Def, Expr, Parameter, Statement } from './syntax.ts';

export const WIDTH = 88;

/** Binding strength; a part that binds weaker than its surroundings is put in parentheses. */
const STRENGTH: { readonly [K in BinaryOp]: number } = {
  in: 5,
  '==': 5,
  '!=': 5,
  '<': 5,
  '|': 6,
  '&': 8,
  '+': 10,
  '-': 10,
  '*': 11,
  '/': 11,
  '@': 11,
};
const CONDITIONAL = 1;
const UNARY = 12;
const POSTFIX = 15;

function strengthOf(e: Expr): number {
  if (e.kind === 'binary') return STRENGTH[e.op];
  if (e.kind === 'conditional') return CONDITIONAL;
  return e.kind === 'unary' ? UNARY : POSTFIX;
}

const join = (docs: readonly Doc[], between: Doc): Doc[] => docs.flatMap((d, i) => (i === 0 ? [d] : [between, d]));

/** `f(a, b)`: the arguments move to a line of their own, then to one line each with a comma after the last of several. */
function bracketed(open: string, items: readonly Doc[], close: string): Doc {
  if (items.length === 0) return `${open}${close}`;
  const list = group([...join(items, [',', LINE]), items.length > 1 ? ifBroken(',') : '']);
  return group([open, indent([SOFTLINE, list]), SOFTLINE, close]);
}

/** `[a, b]`: the items move to one line each. */
function collection(open: string, items: readonly Doc[], close: string): Doc {
  if (items.length === 0) return `${open}${close}`;
  return group([open, indent([SOFTLINE, ...join(items, [',', LINE]), ifBroken(',')]), SOFTLINE, close]);
}

const parenthesized = (doc: Doc): Doc => group(['(', indent([SOFTLINE, doc]), SOFTLINE, ')']);

function inside(e: Expr, strength: number): Doc {
  const doc = exprDoc(e);
  return strengthOf(e) < strength ? parenthesized(doc) : doc;
}

/** Operators of one strength in a row break together, each before its operator. */
function chain(e: Expr & { kind: 'binary' }): Doc {
  const strength = STRENGTH[e.op];
  const left = e.left.kind === 'binary' && STRENGTH[e.left.op] === strength && strength !== 5;
  const first = left ? chain(e.left) : inside(e.left, strength === 5 ? strength + 1 : strength);
  return [first, LINE, `${e.op} `, inside(e.right, strength + 1)];
}

const isSimple = (e: Expr): boolean =>
  e.kind === 'name' || e.kind === 'literal' || (e.kind === 'unary' && isSimple(e.x));

function sliceDoc(from: Expr | undefined, to: Expr | undefined): Doc {
  const plain = [from, to].every((x) => x === undefined || isSimple(x));
  const before = from ? [exprDoc(from), plain ? '' : ' '] : '';
  const after = to ? [plain ? '' : ' ', exprDoc(to)] : '';
  return [before, ':', after];
}

function argumentDocs(args: readonly Expr[], keywords: readonly (readonly [string, Expr])[]): Doc[] {
  return [...args.map(exprDoc), ...keywords.map(([k, v]): Doc => [`${k}=`, exprDoc(v)])];
}

function exprDoc(e: Expr): Doc {
  switch (e.kind) {
    case 'hole':
      throw new BugError('a hole is filled before it is printed');
    case 'name':
      return e.id;
    case 'literal':
      return e.text;
    case 'none':
      return 'None';
    case 'ellipsis':
      return '...';
    case 'attribute':
      return [inside(e.of, POSTFIX), '.', e.name];
    case 'call': {
      const only = e.args[0];
      if (e.args.length === 1 && e.keywords.length === 0 && only?.kind === 'generator')
        return [inside(e.fn, POSTFIX), group(['(', indent([SOFTLINE, generatorDoc(only)]), SOFTLINE, ')'])];
      return [inside(e.fn, POSTFIX), bracketed('(', argumentDocs(e.args, e.keywords), ')')];
    }
    case 'index':
      return [inside(e.of, POSTFIX), indexDoc(e.items)];
    case 'slice':
      return sliceDoc(e.from, e.to);
    case 'binary':
      return group(chain(e));
    case 'unary':
      return [e.op, inside(e.x, UNARY)];
    case 'conditional':
      return group([
        inside(e.yes, CONDITIONAL + 1),
        LINE,
        'if ',
        inside(e.test, CONDITIONAL + 1),
        LINE,
        'else ',
        exprDoc(e.no),
      ]);
    case 'tuple':
      return e.items.length === 1
        ? ['(', exprDoc(e.items[0] as Expr), ',)']
        : collection('(', e.items.map(exprDoc), ')');
    case 'list':
      return collection('[', e.items.map(exprDoc), ']');
    case 'star':
      return ['*', inside(e.x, UNARY)];
    case 'dict':
      return collection(
        '{',
        e.items.map(([k, v]): Doc => (k ? [exprDoc(k), ': ', entryValue(v)] : ['**', exprDoc(v)])),
        '}',
      );
    case 'generator':
      return parenthesized(generatorDoc(e));
  }
}

/** A text that is too long beside its key goes to a line of its own. */
const entryValue = (e: Expr): Doc =>
  e.kind === 'literal' ? group([ifBroken('('), indent([SOFTLINE, e.text]), SOFTLINE, ifBroken(')')]) : exprDoc(e);

const indexDoc = (items: readonly Expr[]): Doc => {
  const comma = items.length > 1 ? ifBroken(',') : '';
  return group(['[', indent([SOFTLINE, ...join(items.map(exprDoc), [',', LINE]), comma]), SOFTLINE, ']']);
};

const generatorDoc = (e: Expr & { kind: 'generator' }): Doc =>
  group([exprDoc(e.item), LINE, `for ${e.targets.join(', ')} in `, exprDoc(e.over)]);

/**
 * The right side of a statement: what does not end in brackets of its own is put into some when it must break. A single
 * operator before a call leaves the line to the brackets of the call, as long as what stands before them fits.
 */
function rightSide(e: Expr): Doc {
  if (e.kind !== 'binary' && e.kind !== 'conditional') return exprDoc(e);
  const parenthesized = group([ifBroken('('), indent([SOFTLINE, exprDoc(e)]), SOFTLINE, ifBroken(')')]);
  if (e.kind !== 'binary' || !endsInBrackets(e.right)) return parenthesized;
  const isOnly = e.left.kind !== 'binary' || STRENGTH[e.left.op] !== STRENGTH[e.op];
  if (!isOnly) return parenthesized;
  const head = render(inside(e.left, STRENGTH[e.op]), Number.MAX_SAFE_INTEGER);
  return either([`${head} ${e.op} `, inside(e.right, STRENGTH[e.op] + 1)], parenthesized);
}

const endsInBrackets = (e: Expr): boolean => e.kind === 'call' && e.args.length + e.keywords.length > 0;

/** Several names at the left of an assignment or after `for` go without parentheses. */
const target = (e: Expr): Doc => (e.kind === 'tuple' ? join(e.items.map(exprDoc), ', ') : exprDoc(e));

function statementDoc(s: Statement): Doc {
  switch (s.kind) {
    case 'assign': {
      const annotation: Doc = s.annotation ? [': ', exprDoc(s.annotation)] : '';
      return [...join(s.targets.map(target), ' = '), annotation, ' = ', rightSide(s.value)];
    }
    case 'return':
      return ['return ', s.value.kind === 'tuple' ? bare(s.value) : rightSide(s.value)];
    case 'expression':
      return exprDoc(s.value);
    case 'for':
      return ['for ', target(s.target), ' in ', exprDoc(s.over), ':', block(s.body)];
    case 'ifNone':
      return ['if ', exprDoc(s.x), ' is None:', block(s.body)];
    case 'with':
      return ['with ', exprDoc(s.context), ':', block(s.body)];
  }
}

const bare = (e: Expr & { kind: 'tuple' }): Doc =>
  group([
    ifBroken('('),
    indent([SOFTLINE, ...join(e.items.map(exprDoc), [',', LINE]), ifBroken(',')]),
    SOFTLINE,
    ifBroken(')'),
  ]);

const block = (body: readonly Statement[]): Doc => indent(body.map((s): Doc => [HARDLINE, statementDoc(s)]));

const parameterDoc = (p: Parameter): Doc => {
  const value: Doc = p.defaultValue ? [' = ', exprDoc(p.defaultValue)] : '';
  return [p.name, ': ', exprDoc(p.annotation), value];
};

const docLines = (text: string, depth: number): Doc[] =>
  docstring(text, ' '.repeat(4 * depth), WIDTH).map((line): Doc => [HARDLINE, line]);

function defDoc(d: Def, depth: number): Doc {
  const parameters = [...(d.self ? ['self'] : []), ...d.parameters.map(parameterDoc)];
  return [
    `def ${d.name}`,
    // Parameters break before the type of the result does.
    bracketed('(', parameters, ')'),
    ` -> ${render(exprDoc(d.returns), Number.MAX_SAFE_INTEGER)}:`,
    indent([
      ...(d.doc === undefined ? [] : docLines(d.doc, depth + 1)),
      ...d.body.map((s): Doc => [HARDLINE, statementDoc(s)]),
    ]),
  ];
}

export const printStatement = (s: Statement): string => render(statementDoc(s), WIDTH);

export const printDef = (d: Def): string => render(defDoc(d, 0), WIDTH);

/** A class with its docstring, annotated fields and methods. */
export function printClass(c: ClassDef): string {
  const fields: Doc[] = c.fields.map((f): Doc => [HARDLINE, parameterDoc(f)]);
  const methods: Doc[] = c.methods.map((m): Doc => [HARDLINE, HARDLINE, defDoc(m, 1)]);
  const doc = [
    `class ${c.name}(`,
    exprDoc(c.base),
    '):',
    indent([...docLines(c.doc, 1), ...(fields.length > 0 ? [HARDLINE, ...fields] : []), ...methods]),
  ];
  return render(doc, WIDTH);
}
