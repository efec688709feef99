/**
 * What every handler of a command gets. The service is built once in `service.ts` and handed around as this record; no
 * module keeps state of its own, so that two services can live in one process (as they do in tests).
 */
import type { CommandName, CommandParams, CommandResult } from '../protocol/api/commands.ts';
import type { AppSettings } from './app/settings.ts';
import type { RecentList } from './app/recent.ts';
import type { Checks } from './checks/checks.ts';
import type { EventHub } from './events/hub.ts';
import type { Downloads } from './files/downloads.ts';
import type { Grants } from './files/grants.ts';
import type { Workspace } from './files/workspace.ts';
import type { Log } from './log.ts';
import type { Projects } from './projects/projects.ts';
import type { ServiceToolkit } from './toolkit.ts';

export interface ServiceContext {
  readonly version: string;
  readonly toolkit: ServiceToolkit;
  /** The folder that the page may read and write in. */
  readonly workspace: Workspace;
  /** The app's own folder: models, settings, journals, uploads. */
  readonly home: string;
  /** The bundle that exports `main`; workers and runs are started from it by `spawnEngine`. */
  readonly entry: string;
  /** Whether the desktop shell started the service. */
  readonly desktop: boolean;
  /** Open documents. */
  readonly projects: Projects;
  /** Files outside the workspace that a person chose. */
  readonly grants: Grants;
  /** One-use tickets for downloads: `downloads.offer({ path, name })`. */
  readonly downloads: Downloads;
  readonly events: EventHub;
  /** Sends an event; short for `events.emit`. */
  readonly emit: EventHub['emit'];
  readonly settings: AppSettings;
  readonly recent: RecentList;
  readonly checks: Checks;
  readonly log: Log;
  /** Aborted when the service ends; long work stops then. */
  readonly closing: AbortSignal;
}

/** About the call itself. */
export interface Call {
  /** The idempotency key; an empty text for queries. Unique per deed, kept by runs so that none starts twice. */
  readonly key: string;
  /** The session that asks; for logs. */
  readonly session: string;
}

/** Does a command. Throws a `UserError` for what the person can mend, a `Refusal` for what is not allowed. */
export type Handler<N extends CommandName> = (
  params: CommandParams<N>,
  call: Call,
) => Promise<CommandResult<N>> | CommandResult<N>;
export type HandlerTable = { readonly [N in CommandName]: Handler<N> };
/** The part of the table for the names that begin with a prefix: `Handlers<'run.'>`. */
export type Handlers<P extends string> = Pick<HandlerTable, Extract<CommandName, `${P}${string}`>>;
