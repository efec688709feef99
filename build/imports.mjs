/**
 * Reads what a TypeScript or JavaScript file imports, with the TypeScript parser: static and dynamic imports, re-exports,
 * `require`, `import("...")` types and reference comments. It doesn't resolve anything.
 */
import ts from 'typescript';

/**
 * @param {string} file name, for the kind of syntax
 * @param {string} text
 * @returns {{ specifier: string | undefined, line: number, typeOnly: boolean }[]} `specifier` is undefined when computed
 */
export function readImports(file, text) {
  const kind = file.endsWith('x') ? ts.ScriptKind.TSX : /js$/.test(file) ? ts.ScriptKind.JS : ts.ScriptKind.TS;
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, false, kind);
  /** @type {{ specifier: string | undefined, line: number, typeOnly: boolean }[]} */
  const found = [];
  /**
   * @param {number} position
   * @param {string | undefined} specifier
   * @param {boolean} typeOnly
   */
  const add = (position, specifier, typeOnly) => {
    found.push({ specifier, line: source.getLineAndCharacterOfPosition(position).line + 1, typeOnly });
  };
  /** @param {ts.Node | undefined} node */
  const literal = (node) => (node !== undefined && ts.isStringLiteralLike(node) ? node.text : undefined);

  for (const r of [...source.referencedFiles, ...source.typeReferenceDirectives]) {
    const isPath = source.referencedFiles.includes(r);
    add(r.pos, isPath && !r.fileName.startsWith('.') ? `./${r.fileName}` : r.fileName, true);
  }
  /** @param {ts.Node} node */
  const visit = (node) => {
    const start = () => node.getStart(source);
    if (ts.isImportDeclaration(node)) {
      // `import { type A } from` stays as a bare import at run time (verbatimModuleSyntax), so only `import type` counts.
      add(start(), literal(node.moduleSpecifier), node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword);
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
      add(start(), literal(node.moduleSpecifier), node.isTypeOnly);
    } else if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
      add(start(), literal(node.moduleReference.expression), node.isTypeOnly);
    } else if (ts.isImportTypeNode(node)) {
      add(start(), ts.isLiteralTypeNode(node.argument) ? literal(node.argument.literal) : undefined, true);
    } else if (ts.isCallExpression(node) && isLoader(node.expression)) {
      add(start(), literal(node.arguments[0]), false);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/**
 * True for `import(...)`, `require(...)` and `require.resolve(...)`.
 * @param {ts.Expression} callee
 * @returns {boolean}
 */
function isLoader(callee) {
  if (callee.kind === ts.SyntaxKind.ImportKeyword) return true;
  if (ts.isPropertyAccessExpression(callee)) return callee.name.text === 'resolve' && isLoader(callee.expression);
  return ts.isIdentifier(callee) && callee.text === 'require';
}
