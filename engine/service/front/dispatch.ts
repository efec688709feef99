/** From a parsed body to an answer: the command is looked up in a Map, its parameters are read by its schema, then it is run. */
import { createHash } from 'node:crypto';
import { UserError } from '../../base/errors.ts';
import { COMMANDS, type CommandName } from '../../protocol/api/commands.ts';
import type { CommandSpec } from '../../protocol/api/define.ts';
import { commandRequestSchema, type Answer } from '../../protocol/api/wire.ts';
import type { Call, HandlerTable } from '../context.ts';
import type { Log } from '../log.ts';
import { problem, Refusal, REFUSALS } from '../problems.ts';
import { createAnswers, type KeptAnswer } from './answers.ts';

interface Command {
  readonly spec: CommandSpec;
  readonly run: (params: unknown, call: Call) => unknown;
}

/** `session` is the id of the session, `body` parsed JSON of which nothing is known yet. */
export type Dispatch = (body: unknown, session: string) => Promise<KeptAnswer>;

const MOST_AT_ONCE = 256;

export function createDispatch(handlers: HandlerTable, log: Log): Dispatch {
  const commands = new Map<string, Command>(
    (Object.keys(COMMANDS) as CommandName[]).map((name) => [
      name,
      // The table's type pairs each schema with its handler; a Map cannot say so.
      { spec: COMMANDS[name], run: handlers[name] as Command['run'] },
    ]),
  );
  const answers = createAnswers();
  let running = 0;

  const answer = async (name: string, command: Command, params: unknown, call: Call): Promise<KeptAnswer> => {
    running += 1;
    try {
      const result = await command.run(params, call);
      return { status: 200, text: JSON.stringify({ ok: true, result: result ?? {} }) };
    } catch (error) {
      return refusalOf(error, name, log);
    } finally {
      running -= 1;
    }
  };

  return async (body, session) => {
    const request = commandRequestSchema.safeParse(body);
    if (!request.success) throw REFUSALS.body(firstIssue(request.error));
    const { name, key, params } = request.data;
    const command = commands.get(name);
    if (!command) throw REFUSALS.command(name);
    if (command.spec.mutates && key === undefined) throw REFUSALS.keyMissing(name);
    const read = command.spec.params.safeParse(params ?? {});
    if (!read.success) throw REFUSALS.params(firstIssue(read.error));
    if (running >= MOST_AT_ONCE) throw REFUSALS.busy();
    if (!command.spec.mutates || key === undefined) return answer(name, command, read.data, { key: '', session });
    const content = createHash('sha256')
      .update(JSON.stringify([name, params]))
      .digest('base64url');
    return answers.once(`${session} ${key}`, content, () => answer(name, command, read.data, { key, session }));
  };
}

const firstIssue = (error: {
  readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
}): string => {
  const issue = error.issues[0];
  return issue === undefined ? '' : `${issue.path.map(String).join('.')}: ${issue.message}`.slice(0, 500);
};

/** Faults of the disk that a person can mend. */
const DISK_WORDS: ReadonlyMap<string, string> = new Map([
  ['ENOSPC', 'The disk is full.'],
  ['EDQUOT', 'Your share of the disk is full.'],
  ['EROFS', 'The disk cannot be written to.'],
  ['EACCES', 'Espalier may not write there.'],
  ['EPERM', 'Espalier may not write there.'],
  ['EIO', 'The disk has a fault.'],
]);

/** The answer for something that was thrown. Words of our own faults stay in the log, since they may name paths. */
export function refusalOf(error: unknown, what: string, log: Log): KeptAnswer {
  const say = (
    status: number,
    diagnostics: Extract<Answer<never>, { ok: false }>['diagnostics'],
    http = status,
  ): KeptAnswer => ({
    status: http,
    text: JSON.stringify({ ok: false, status, diagnostics }),
  });
  if (error instanceof Refusal) return say(error.status, error.diagnostics);
  // A "no" in words is an ordinary answer: browsers would write other statuses into their console as faults of the page.
  if (error instanceof UserError) return say(422, error.diagnostics, 200);
  log.error(`"${what}" failed`, error);
  const place = DISK_WORDS.get((error as NodeJS.ErrnoException | undefined)?.code ?? '');
  if (place !== undefined) return say(503, [problem('disk', place, 'Nothing was changed. Mend it and try again.')]);
  return say(500, [
    problem('internal', 'Espalier failed at this.', 'Try again; "Report a problem" in the menu has the details.', {
      found: error instanceof Error ? error.message.slice(0, 500) : 'an unknown fault',
    }),
  ]);
}
