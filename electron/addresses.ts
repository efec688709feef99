/** What the shell thinks of addresses: which is the engine's own, which may be handed to the system's browser. */

export function originOf(port: number): string {
  return `http://127.0.0.1:${port}`;
}

function parse(address: string): URL | undefined {
  try {
    return new URL(address);
  } catch {
    return undefined;
  }
}

/** True for an address of exactly this origin. */
export function isOurs(address: string, origin: string): boolean {
  const url = parse(address);
  return url !== undefined && url.origin === origin && url.username === '' && url.password === '';
}

/** True for what the page may load: its own origin, over HTTP or as a WebSocket, and what it made in memory itself. */
export function mayLoad(address: string, origin: string): boolean {
  const url = parse(address);
  if (url === undefined) return false;
  if (url.protocol === 'blob:') return url.origin === origin;
  if (url.protocol === 'data:' || url.protocol === 'devtools:') return true;
  if (url.protocol === 'ws:') return url.host === new URL(origin).host;
  return isOurs(address, origin);
}

/** Hosts of papers, model cards and this project, which are all that the app links to. */
const LINKED_HOSTS = ['arxiv.org', 'doi.org', 'aclanthology.org', 'openreview.net', 'huggingface.co', 'github.com'];
const LINKED_PARENTS = ['.mlr.press', '.neurips.cc', '.aclweb.org', '.jmlr.org'];

/** True for a link that the system's browser may open: https, a known host, its usual port, no user name. */
export function isSafeLink(address: string): boolean {
  const url = parse(address);
  if (url === undefined || url.protocol !== 'https:') return false;
  if (url.port !== '' || url.username !== '' || url.password !== '') return false;
  return LINKED_HOSTS.includes(url.hostname) || LINKED_PARENTS.some((parent) => url.hostname.endsWith(parent));
}
