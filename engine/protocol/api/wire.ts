/**
 * What travels between a page and the service.
 *
 *   POST /api/session   {ticket}                          -> {token}      ticket: one use, 60 s, from the URL's fragment
 *   POST /api/command   {name, key?, params}              -> Answer       Authorization: Bearer TOKEN
 *   POST /api/upload    bytes; header x-file-name         -> {grant}      application/octet-stream; files with one
 *                                                                        x-folder become a folder, which is granted
 *   POST /api/ticket    {}                                -> {ticket}     for another window of the same person
 *   POST /api/grant     {path, kind}                      -> {grant}      the shell alone: what a native dialog gave
 *   POST /api/challenge {nonce}                           -> {answer}     proves the engine to the shell before any token
 *   GET  /api/download/TICKET                             -> the file     one use, 30 s; no token, the ticket is the right
 *   WS   /api/events    first frame {token}               -> events       then subscribe frames
 */
import { z } from 'zod';
import type { Diagnostic } from '../../base/errors.ts';
import type { Document } from '../document.ts';
import type { CheckView } from './check.ts';
import type { ProjectId, RunId } from './fields.ts';
import type { Patch } from './patch.ts';
import type { RunPoint, RunSummary } from './runs.ts';

export const sessionRequestSchema = z.strictObject({ ticket: z.string().max(200) });
export const commandRequestSchema = z.strictObject({
  name: z.string().max(100),
  /** Idempotency key; needed by commands that change something. The same key gives the first answer again. */
  key: z.string().min(8).max(100).exactOptional(),
  params: z.unknown(),
});

export type Answer<R> =
  | { readonly ok: true; readonly result: R }
  | { readonly ok: false; readonly status: number; readonly diagnostics: readonly Diagnostic[] };

/** Frames of a page. `after`: the last event that it has seen of the project, so that a lost connection misses nothing. */
export const clientFrameSchema = z.union([
  z.strictObject({ token: z.string().max(200) }),
  z.strictObject({ subscribe: z.string().max(64), after: z.int().min(0).exactOptional() }),
  z.strictObject({ unsubscribe: z.string().max(64) }),
  z.strictObject({ ping: z.int() }),
]);
export type ClientFrame = z.input<typeof clientFrameSchema>;

/** `id` counts the events of one project; events without a project go to every page. */
export type ServerEvent = { readonly id: number; readonly project?: ProjectId } & (
  | { readonly event: 'ready'; readonly service: string }
  | { readonly event: 'pong'; readonly ping: number }
  /** Events were missed for good: read everything again. */
  | { readonly event: 'resync'; readonly document: Document; readonly revision: number }
  /** `window` is the idempotency key's prefix of the page that made the edit. */
  | {
      readonly event: 'edited';
      readonly revision: number;
      readonly patch: Patch;
      readonly key: string;
      readonly label: string;
    }
  | { readonly event: 'saved'; readonly revision: number; readonly at: string }
  | { readonly event: 'checked'; readonly check: CheckView }
  | { readonly event: 'run'; readonly summary: RunSummary }
  | { readonly event: 'run-deleted'; readonly run: RunId }
  | { readonly event: 'points'; readonly run: RunId; readonly from: number; readonly points: readonly RunPoint[] }
  | {
      readonly event: 'progress';
      readonly job: string;
      readonly what: string;
      readonly done: number;
      readonly of: number;
      readonly failed?: string;
      readonly ended?: boolean;
    }
  | { readonly event: 'catalog' }
  | { readonly event: 'notice'; readonly level: 'info' | 'warning' | 'error'; readonly text: string }
);
