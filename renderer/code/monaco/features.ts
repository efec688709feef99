/**
 * The features and languages of the code editor. Its language services bring all features along, and features that come
 * after the first editor find their services missing, so all of them come first.
 */
import 'monaco-editor/features/register.all';
import 'monaco-editor/languages/definitions/python/register';
import 'monaco-editor/languages/definitions/typescript/register';
