/** The worker that knows TypeScript: types, completion, diagnostics of custom nodes. */
import 'monaco-editor/languages/features/typescript/ts.worker';
