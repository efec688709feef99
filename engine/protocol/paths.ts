/**
 * The rule for paths inside a document: relative to the document's folder, forward slashes, never upwards. A document that
 * names an absolute path, a drive, a home folder or a web address could not be moved or shared. Nothing here touches a disk.
 */

/** Why `path` may not stand in a document, in words, or `undefined` when it may. */
export function pathProblem(path: string): string | undefined {
  if (path === '') return 'the path is empty';
  if (path.length > 1024) return `the path has ${path.length} characters, more than 1024`;
  // eslint-disable-next-line no-control-regex -- control characters are exactly what is looked for.
  if (/[\u0000-\u001f\u007f]/.test(path)) return 'the path holds a control character';
  if (path.includes('\\')) return 'the path holds a backslash; write "/" between folders';
  if (/^[A-Za-z][A-Za-z0-9+.-]*:/.test(path)) return 'the path names a drive or a web address';
  if (path.startsWith('/')) return 'the path is absolute';
  if (path === '~' || path.startsWith('~/')) return 'the path names a home folder';
  const segments = path.split('/');
  if (segments.includes('..')) return 'the path leaves the folder of the document ("..")';
  if (segments.some((s) => s === '' || s === '.')) return 'the path holds an empty or "." segment';
  return undefined;
}
