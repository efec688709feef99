/** The worker of the code editor itself: differences, links, words. */
import 'monaco-editor/editor/editor.worker';
