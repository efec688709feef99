/** What the front door and the handlers refuse: an HTTP status and the words for people. */
import { UserError, type Diagnostic, type Place } from '../base/errors.ts';

/** A request that is not carried out. Nothing has been changed when it is thrown. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly diagnostics: readonly Diagnostic[];

  constructor(status: number, diagnostic: Diagnostic) {
    super(diagnostic.message);
    this.status = status;
    this.diagnostics = [diagnostic];
  }
}

export const problem = (
  code: string,
  message: string,
  fix: string,
  { where = {}, found }: { readonly where?: Place; readonly found?: string } = {},
): Diagnostic => ({
  code,
  severity: 'error',
  message,
  where,
  fix,
  ...(found === undefined ? {} : { found }),
});

export const userProblem = (...args: Parameters<typeof problem>): UserError => new UserError(problem(...args));

const refuse =
  (status: number, code: string, message: string, fix: string) =>
  (found?: string): Refusal =>
    new Refusal(status, problem(code, message, fix, found === undefined ? {} : { found }));

export const REFUSALS = {
  host: refuse(403, 'host-foreign', 'The request names another host.', 'Open the address that Espalier printed.'),
  origin: refuse(403, 'origin-foreign', 'The request comes from another page.', 'Use the page that Espalier serves.'),
  token: refuse(401, 'token-missing', 'The request carries no valid session.', 'Open Espalier anew.'),
  ticket: refuse(401, 'ticket-used', 'The ticket was used before, is too old, or never existed.', 'Ask for a new one.'),
  route: refuse(404, 'route-unknown', 'There is nothing at this address.', 'Use the page that Espalier serves.'),
  method: refuse(
    405,
    'method-refused',
    'This address does not take this method.',
    'Use the page that Espalier serves.',
  ),
  contentType: refuse(
    415,
    'content-type',
    'The body is of another type than this address takes.',
    'Send it as stated.',
  ),
  length: refuse(411, 'length-missing', 'The size of the body is not stated.', 'State it in "content-length".'),
  tooLarge: refuse(413, 'body-too-large', 'The body is larger than this address takes.', 'Send less at once.'),
  body: refuse(400, 'body-malformed', 'The body cannot be read.', 'Send strict JSON in UTF-8.'),
  params: refuse(400, 'params-invalid', 'The parameters do not fit the command.', 'Send what the command takes.'),
  command: refuse(
    404,
    'command-unknown',
    'There is no such command.',
    'Reload the page: it may be older than the engine.',
  ),
  keyMissing: refuse(400, 'key-missing', 'A command that changes something needs a key.', 'Send an idempotency key.'),
  keyReused: refuse(409, 'key-reused', 'The key was used for another command.', 'Use a new key for each command.'),
  busy: refuse(429, 'too-many', 'There are too many requests at once.', 'Wait a moment and try again.'),
  project: refuse(404, 'project-closed', 'The project is not open.', 'Open it again.'),
  grant: refuse(404, 'grant-unknown', 'The chosen file is not known any more.', 'Choose it again.'),
  forbidden: refuse(
    403,
    'path-refused',
    'This path is outside of what the app may use.',
    'Choose a file of the workspace.',
  ),
} as const;
