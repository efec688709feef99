/**
 * The code editor, loaded when it is first shown: it is larger than the rest of the page. This module is imported
 * dynamically only; what it does on loading happens once.
 */
import './features.ts';
import * as monaco from 'monaco-editor/editor';
import { jsonDefaults } from 'monaco-editor/languages/features/json/register';
import {
  ModuleKind,
  ModuleResolutionKind,
  ScriptTarget,
  typescriptDefaults,
} from 'monaco-editor/languages/features/typescript/register';
import { documentJsonSchema } from '../../../engine/protocol/jsonSchema.ts';
import EditorWorker from 'monaco-editor/editor/editor.worker.js?worker';
import JsonWorker from 'monaco-editor/languages/features/json/json.worker.js?worker';
import TypeScriptWorker from 'monaco-editor/languages/features/typescript/ts.worker.js?worker';
import { DARK, hexColour, LIGHT, themeName, themeOf } from './theme.ts';

export type Monaco = typeof monaco;
export { monaco };

/** Address of the document in the JSON editor; its schema is bound to it. */
export const DOCUMENT_ADDRESS = 'file:///document.espalier.json';

interface Environment {
  getWorker(id: string, label: string): Worker;
  createTrustedTypesPolicy(name: string, rules: object): unknown;
}

const environment: Environment = {
  getWorker: (_id, label) => {
    if (label === 'typescript' || label === 'javascript') return new TypeScriptWorker();
    return label === 'json' ? new JsonWorker() : new EditorWorker();
  },
  // Addresses of workers go through the page's own policy, which allows those of its origin alone.
  createTrustedTypesPolicy: (name, rules) =>
    name === 'defaultWorkerFactory'
      ? undefined
      : (self as { trustedTypes?: { createPolicy(name: string, rules: object): unknown } }).trustedTypes?.createPolicy(
          name,
          rules,
        ),
};
(self as { MonacoEnvironment?: Environment }).MonacoEnvironment = environment;

/** Both themes from the tokens as they stand in the style sheet, whichever is shown. */
function defineThemes(): void {
  for (const [name, base, theme] of [
    [LIGHT, 'vs', 'light'],
    [DARK, 'vs-dark', 'dark'],
  ] as const) {
    const probe = document.createElement('div');
    probe.dataset['theme'] = theme;
    probe.hidden = true;
    document.body.append(probe);
    const style = getComputedStyle(probe);
    monaco.editor.defineTheme(
      name,
      themeOf(base, (token) => hexColour(style.getPropertyValue(token))),
    );
    probe.remove();
  }
}

defineThemes();
monaco.editor.setTheme(themeName(document.documentElement));
new MutationObserver(() => monaco.editor.setTheme(themeName(document.documentElement))).observe(
  document.documentElement,
  { attributes: true, attributeFilter: ['data-theme'] },
);

typescriptDefaults.setCompilerOptions({
  target: ScriptTarget.ES2020,
  lib: ['es2022'],
  module: ModuleKind.ESNext,
  moduleResolution: ModuleResolutionKind.NodeJs,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noImplicitOverride: true,
  allowNonTsExtensions: true,
  noEmit: true,
  types: [],
});
typescriptDefaults.setEagerModelSync(true);
jsonDefaults.setDiagnosticsOptions({
  validate: true,
  allowComments: false,
  trailingCommas: 'error',
  enableSchemaRequest: false,
  schemas: [
    {
      uri: 'espalier://document.schema.json',
      fileMatch: [DOCUMENT_ADDRESS],
      schema: documentJsonSchema() as never,
    },
  ],
});

/** The declaration files of the node API become the package "espalier". */
export function addNodeTypes(files: Readonly<Record<string, string>>): void {
  typescriptDefaults.setExtraLibs(
    Object.entries(files).map(([path, content]) => ({
      content,
      filePath: `file:///node_modules/espalier/${path}`,
    })),
  );
}
