/** Reads the titles of a test file, and the ids of capabilities at their end. */
import ts from 'typescript';

/** The literal first arguments of `it(...)`, `test(...)` and `it.each(...)(...)`. */
export function titlesOf(file: string, text: string): readonly string[] {
  const titles: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && isTest(node.expression)) {
      const [title] = node.arguments;
      if (title !== undefined && isText(title)) titles.push(textOf(title));
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest));
  return titles;
}

export function idsOf(title: string): readonly string[] {
  const list = /\[([a-z0-9., -]+)\]$/.exec(title)?.[1];
  return list === undefined ? [] : list.split(',').map((id) => id.trim());
}

function isTest(callee: ts.Expression): boolean {
  if (ts.isIdentifier(callee)) return callee.text === 'it' || callee.text === 'test';
  if (!ts.isCallExpression(callee) || !ts.isPropertyAccessExpression(callee.expression)) return false;
  return isTest(callee.expression.expression) && callee.expression.name.text === 'each';
}

/** A function may be called `test` and be no test. */
const isText = (e: ts.Expression): boolean =>
  ts.isStringLiteralLike(e) || ts.isTemplateExpression(e) || ts.isBinaryExpression(e);

/** The text of a string, of strings that are put together, or of a template with its places left out. */
function textOf(title: ts.Expression): string {
  if (ts.isStringLiteralLike(title)) return title.text;
  if (ts.isTemplateExpression(title)) {
    return title.head.text + title.templateSpans.map((span) => span.literal.text).join('');
  }
  if (ts.isBinaryExpression(title)) return textOf(title.left) + textOf(title.right);
  return '';
}
