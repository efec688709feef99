/**
 * Requests to a Hugging Face-compatible hub: https only, redirects checked one by one, the token never sent to another
 * origin, silence bounded, transient faults tried again with growing pauses, and a stop at once when the caller aborts.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { HUB_PROBLEMS as problems } from './hubMessages.ts';
import { refuse, systemCode, type Problem } from './refusal.ts';

export const PUBLIC_HUB = 'https://huggingface.co';

export interface HubTiming {
  /** Tries in a row without progress. */
  readonly tries: number;
  /** First pause between tries; it doubles up to `longestPauseMs`. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** A connection that is silent for so long counts as broken. */
  readonly silenceMs: number;
}

export interface HubConnection {
  readonly endpoint: URL;
  readonly token: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly timing: HubTiming;
}

export const HUB_TIMING: HubTiming = { tries: 5, firstPauseMs: 500, longestPauseMs: 8000, silenceMs: 30_000 };

/** One answer after redirects. `linked*` come from the hub itself, also when a storage host answers in the end. */
export interface HubAnswer {
  readonly response: Response;
  readonly linkedEtag: string | undefined;
  readonly linkedSize: number | undefined;
  /** Must be called at every sign of life while the body is read, and ends the watch with `stop`. */
  readonly watch: SilenceWatch;
}

/** What one try came to: a value, or a fault that may pass. */
export type Attempt<T> =
  | { readonly done: T }
  | { readonly retry: (tries: number) => Problem; readonly afterMs?: number; readonly progress?: boolean };

const MOST_REDIRECTS = 8;
const LONGEST_RETRY_AFTER_MS = 60_000;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Checks the address of a hub. */
export function hubEndpoint(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const isPlain =
    url !== undefined && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (!isPlain || !(url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url)))) {
    return refuse({}, problems.endpoint(address));
  }
  return url;
}

/** A URL below the endpoint; every part is percent-encoded. */
export function hubUrl(connection: HubConnection, ...parts: readonly string[]): URL {
  const base = connection.endpoint.href.replace(/\/+$/, '');
  return new URL(`${base}/${parts.map(encodeURIComponent).join('/')}`);
}

/** Tries until done; the count of tries starts again whenever a try made progress. */
export async function withTries<T>(connection: HubConnection, attempt: () => Promise<Attempt<T>>): Promise<T> {
  const { tries, firstPauseMs, longestPauseMs } = connection.timing;
  for (let failed = 0; ;) {
    const result = await attempt();
    if ('done' in result) return result.done;
    failed = result.progress === true ? 1 : failed + 1;
    if (failed >= tries) refuse({}, result.retry(failed));
    const grown = Math.min(longestPauseMs, firstPauseMs * 2 ** (failed - 1));
    const asked = Math.min(LONGEST_RETRY_AFTER_MS, result.afterMs ?? 0);
    await pauseUnlessStopped(Math.max(grown, asked), connection.signal);
  }
}

/** Follows redirects. A failure of the network is an `Attempt` to retry; a wrong redirect is a `UserError`. */
export async function send(
  connection: HubConnection,
  start: URL,
  headers: ReadonlyMap<string, string>,
): Promise<Attempt<HubAnswer>> {
  const watch = new SilenceWatch(connection);
  let url = start;
  let linkedEtag: string | undefined;
  let linkedSize: number | undefined;
  try {
    for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
      watch.alive();
      const response = await fetch(url, {
        redirect: 'manual',
        signal: watch.signal,
        headers: headersFor(connection, url, headers),
      });
      linkedEtag ??= response.headers.get('x-linked-etag') ?? undefined;
      linkedSize ??= wholeNumber(response.headers.get('x-linked-size'));
      if (!REDIRECTS.has(response.status)) return { done: { response, linkedEtag, linkedSize, watch } };
      await response.body?.cancel();
      url = redirectTarget(connection, url, response.headers.get('location'));
    }
  } catch (error) {
    watch.stop();
    return networkFault(connection, error);
  }
  watch.stop();
  return refuse({}, problems.redirect(`more than ${MOST_REDIRECTS} redirects`));
}

/**
 * A fault of the network as an attempt to retry. Rethrows when the caller aborted, and everything that is no such
 * fault.
 */
export function networkFault(
  connection: HubConnection,
  error: unknown,
): { readonly retry: (tries: number) => Problem } {
  connection.signal?.throwIfAborted();
  const isSilence = error instanceof DOMException && error.name === 'AbortError';
  // `fetch` reports every fault of the network as a TypeError with a cause; one without is a bug of ours.
  const cause = error instanceof TypeError && error.cause instanceof Error ? error.cause : undefined;
  if (!isSilence && cause === undefined) throw error;
  const why = isSilence
    ? `no answer for ${connection.timing.silenceMs} ms`
    : (systemCode(cause) ?? cause?.message ?? '');
  return { retry: (tries) => problems.unreachable(connection.endpoint.host, why, tries) };
}

/**
 * What a status other than success means for model `id`: a fault that may pass, or a refusal.
 *
 * @param missing the problem to report for 404.
 */
export function faultOfStatus(
  connection: HubConnection,
  response: Response,
  id: string,
  missing: Problem,
): Attempt<never> {
  const { status } = response;
  const detail = response.headers.get('x-error-code');
  if (status === 429 || status === 408 || status >= 500) {
    const seconds = wholeNumber(response.headers.get('retry-after'));
    const retry = (tries: number): Problem => problems.serverFault(connection.endpoint.host, status, tries);
    return seconds === undefined ? { retry } : { retry, afterMs: seconds * 1000 };
  }
  if (detail === 'GatedRepo') refuse({}, problems.gated(id, hubUrl(connection, ...id.split('/')).href));
  if (status === 401 || status === 403) refuse({}, problems.refused(id, status));
  return refuse({}, status === 404 ? missing : problems.status(status));
}

/** Aborts its signal after a time of silence, or when the caller aborts. */
export class SilenceWatch {
  private readonly controller = new AbortController();
  private readonly silenceMs: number;
  private readonly outer: AbortSignal | undefined;
  private readonly forward = (): void => this.controller.abort();
  private timer: NodeJS.Timeout | undefined;

  constructor(connection: HubConnection) {
    connection.signal?.throwIfAborted();
    this.silenceMs = connection.timing.silenceMs;
    this.outer = connection.signal;
    this.outer?.addEventListener('abort', this.forward);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  alive(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.forward, this.silenceMs);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.outer?.removeEventListener('abort', this.forward);
  }
}

/** The bytes of an answer as they come; breaks off when the answer does. */
export async function* bodyOf(response: Response): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  for await (const chunk of response.body) yield chunk as Uint8Array;
}

/** A whole number of a header, or undefined. */
export function wholeNumber(text: string | null | undefined): number | undefined {
  if (text === null || text === undefined || !/^\d{1,15}$/.test(text.trim())) return undefined;
  return Number(text);
}

function headersFor(connection: HubConnection, url: URL, extra: ReadonlyMap<string, string>): Headers {
  const headers = new Headers([...extra, ['user-agent', 'espalier'], ['accept-encoding', 'identity']]);
  if (connection.token !== undefined && url.origin === connection.endpoint.origin) {
    headers.set('authorization', `Bearer ${connection.token}`);
  }
  return headers;
}

function redirectTarget(connection: HubConnection, from: URL, location: string | null): URL {
  if (location === null || !URL.canParse(location, from.href))
    return refuse({}, problems.redirect('a redirect without address'));
  const target = new URL(location, from);
  const isAllowed =
    target.protocol === 'https:' ||
    (target.protocol === 'http:' && isLoopback(target) && isLoopback(connection.endpoint));
  return isAllowed ? target : refuse({}, problems.redirect(`${target.protocol}//${target.host}`));
}

function isLoopback(url: URL): boolean {
  return url.hostname === 'localhost' || url.hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(url.hostname);
}

async function pauseUnlessStopped(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await pause(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
