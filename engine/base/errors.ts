/**
 * The two kinds of failure. A `UserError` is the user's input at fault and carries diagnostics in words; a `BugError` is
 * ours. Nothing else is thrown on purpose by the engine.
 */

export type Severity = 'error' | 'warning' | 'info';

/** Where a diagnostic points. Every part that is known is given, so that the editor and the command line can show the place. */
export interface Place {
  readonly file?: string;
  readonly row?: number;
  readonly column?: string;
  readonly model?: string;
  readonly node?: string;
  readonly port?: string;
  readonly param?: string;
  readonly layer?: number;
  readonly tensor?: string;
}

/** A place that names a port. */
export type PlaceOfPort = Place & { readonly port: string };

/** One finding about the user's input: what is wrong, where, what was found, and what to do about it. */
export interface Diagnostic {
  /** Stable kebab-case code, e.g. `edge-dangling`. */
  readonly code: string;
  readonly severity: Severity;
  /** What is wrong, as one sentence without the place. */
  readonly message: string;
  readonly where: Place;
  /** What was found, printed short. */
  readonly found?: string;
  /** What to do, as an imperative sentence. */
  readonly fix: string;
}

export class UserError extends Error {
  override readonly name = 'UserError';
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: Diagnostic | readonly Diagnostic[]) {
    const list: readonly Diagnostic[] = Array.isArray(diagnostics)
      ? (diagnostics as readonly Diagnostic[])
      : [diagnostics as Diagnostic];
    super(list.map(formatDiagnostic).join('\n'));
    this.diagnostics = list;
  }
}

/** A broken invariant of our own code. The message names the invariant and the values that break it. */
export class BugError extends Error {
  override readonly name = 'BugError';
}

/** `error: file data.csv, row 3: message Found: x. Fix.` on one line. */
export function formatDiagnostic(d: Diagnostic): string {
  const place = formatPlace(d.where);
  const found = d.found === undefined ? '' : ` Found: ${d.found}.`;
  return `${d.severity}${place === '' ? '' : ` (${place})`}: ${d.message}${found} ${d.fix} [${d.code}]`;
}

function formatPlace(p: Place): string {
  const parts: string[] = [];
  if (p.file !== undefined) parts.push(p.file);
  if (p.row !== undefined) parts.push(`row ${p.row}`);
  if (p.column !== undefined) parts.push(`column "${p.column}"`);
  if (p.model !== undefined) parts.push(`model "${p.model}"`);
  if (p.node !== undefined) parts.push(`node "${p.node}"`);
  if (p.port !== undefined) parts.push(`port "${p.port}"`);
  if (p.param !== undefined) parts.push(`parameter "${p.param}"`);
  if (p.layer !== undefined) parts.push(`layer ${p.layer}`);
  if (p.tensor !== undefined) parts.push(`tensor "${p.tensor}"`);
  return parts.join(', ');
}

export function assertNever(value: never, what: string): never {
  throw new BugError(`unhandled ${what}: ${JSON.stringify(value)}`);
}

/** Returns the value, or throws a `BugError` that names the broken invariant. */
export function must<T>(value: T | null | undefined, invariant: string): T {
  if (value === null || value === undefined) throw new BugError(invariant);
  return value;
}
