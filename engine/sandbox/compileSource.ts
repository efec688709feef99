/**
 * The source of a custom node as JavaScript for the virtual machine. Types are removed, not checked: the editor checks
 * them while the person writes, and what a wrong type leads to is refused when the node is traced.
 */
import { createRequire } from 'node:module';
import type * as TypeScript from 'typescript';
import { fail, ok, type Result } from '../base/result.ts';
import * as messages from './messages.ts';
import { readLineMap, type LineMap } from './sourceMap.ts';

export const MOST_SOURCE_BYTES = 200_000;

export interface CompiledSource {
  readonly code: string;
  /** The line of the source, from 1, for a line of the code, from 1. */
  readonly lines: LineMap;
}

/** TypeScript is large; it is loaded when the first custom node is. */
const loadTypeScript = (): typeof TypeScript => createRequire(import.meta.url)('typescript') as typeof TypeScript;

export function compileSource(file: string, source: string): Result<CompiledSource, readonly messages.NodeProblem[]> {
  const bytes = Buffer.byteLength(source);
  if (bytes > MOST_SOURCE_BYTES) return fail([messages.tooLongSource(bytes, MOST_SOURCE_BYTES)]);
  const ts = loadTypeScript();
  let output: TypeScript.TranspileOutput;
  let imports: readonly messages.NodeProblem[];
  try {
    imports = foreignImports(ts, file, source);
    output = ts.transpileModule(source, {
      fileName: file,
      reportDiagnostics: true,
      compilerOptions: {
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.CommonJS,
        sourceMap: true,
        newLine: ts.NewLineKind.LineFeed,
        // Old settings of a project must not change what a node means.
        useDefineForClassFields: true,
        verbatimModuleSyntax: false,
        isolatedModules: true,
      },
    });
  } catch (error) {
    // The parser of TypeScript is recursive; a source of very many brackets overflows it.
    if (error instanceof RangeError) return fail([messages.tooDeep(undefined)]);
    throw error;
  }
  const errors = (output.diagnostics ?? []).map((d) =>
    messages.syntax(
      ts.flattenDiagnosticMessageText(d.messageText, ' '),
      d.file && d.start !== undefined ? d.file.getLineAndCharacterOfPosition(d.start).line + 1 : 1,
    ),
  );
  // The parser may say the same of two places of one line.
  const problems = [...errors, ...imports].filter(
    (p, i, all) => all.findIndex((q) => q.line === p.line && q.message === p.message) === i,
  );
  if (problems.length > 0) return fail(problems.slice(0, 20));
  const code = output.outputText.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n');
  return ok({ code, lines: readLineMap(output.sourceMapText ?? '{}') });
}

/** Imports of anything but the node API, each with its line. */
function foreignImports(ts: typeof TypeScript, file: string, source: string): readonly messages.NodeProblem[] {
  const parsed = ts.createSourceFile(file, source, ts.ScriptTarget.ES2022, false);
  const found: messages.NodeProblem[] = [];
  for (const statement of parsed.statements) {
    const from =
      ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement) ? statement.moduleSpecifier : undefined;
    if (!from || !ts.isStringLiteral(from) || from.text === 'espalier') continue;
    const { line } = parsed.getLineAndCharacterOfPosition(from.getStart(parsed));
    found.push(messages.foreignImport(from.text.slice(0, 200), line + 1));
  }
  return found;
}
