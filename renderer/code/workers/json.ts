/** The worker that checks JSON against its schema. */
import 'monaco-editor/languages/features/json/json.worker';
