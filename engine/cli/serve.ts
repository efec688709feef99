/** `espalier serve`: the service for the page, and the hidden workers that it starts. */
import { spawn } from 'node:child_process';
import { fstatSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Option, type Command } from 'commander';
import { writeFileDurable } from '../base/durable.ts';
import { UserError } from '../base/errors.ts';
import { espalierHome } from '../checkpoints/home.ts';
import { serveChecks } from '../service/checks/worker.ts';
import { startService, type Service, type ServiceOptions } from '../service/service.ts';
import { makeServiceToolkit } from './serviceToolkit.ts';
import { jsonLine, line, type CommandContext } from './context.ts';
import { dataWorkerCommand } from './workers/data.ts';
import { modelWorkerCommand } from './workers/model.ts';

interface ServeOptions {
  readonly port?: number;
  readonly host: string;
  readonly workspace?: string;
  readonly home?: string;
  readonly page?: string;
  readonly open?: boolean;
  readonly ticketFile?: string;
  readonly tokenFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly behindProxy?: string;
  readonly shell?: boolean;
  readonly desktop?: boolean;
  readonly json?: boolean;
}

const VERSION = '0.1.0';

const problem = (code: string, message: string, fix: string, found: string): UserError =>
  new UserError({ code, severity: 'error', where: {}, message, fix, found });

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port < 65_536) return port;
  throw problem('option-port', 'This is no port.', 'Give a number from 0 to 65535; 0 takes any that is free.', text);
}

function originText(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && (url.protocol === 'https:' || url.protocol === 'http:') && url.origin === text) return text;
  throw problem('option-origin', 'This is no origin.', 'Write it like https://espalier.example.org.', text);
}

export function serveCommand(program: Command, context: CommandContext): void {
  program
    .command('serve')
    .description('serve the page of the app on this computer')
    .option('--port <n>', 'the port; default: any that is free', portOf)
    .addOption(new Option('--host <address>', 'the address to listen on').default('127.0.0.1').hideHelp())
    .option('--workspace <dir>', 'the folder that the page may use; default: the current one')
    .option('--home <dir>', "the app's own folder")
    .option('--page <dir>', 'the folder of the built page')
    .option('--open', 'open the page in the browser')
    .option('--ticket-file <file>', 'keep a fresh address in this file')
    .option('--token-file <file>', 'a file with the token of all sessions')
    .option('--tls-cert <file>', 'certificate, for an address beyond this computer')
    .option('--tls-key <file>', 'its key')
    .option('--behind-proxy <origin>', 'the origin of the pages, when a proxy stands in front', originText)
    .option('--shell', 'end when standard input ends')
    .addOption(new Option('--desktop', 'started by the desktop shell').hideHelp())
    .option('--json', 'say the address as one JSON line')
    .action((options: ServeOptions) => serve(options, context));
  const worker = program.command('worker', { hidden: true });
  worker.command('check').action(() => serveChecks(context.toolkit));
  dataWorkerCommand(worker, context);
  modelWorkerCommand(worker, context);
}

async function serve(options: ServeOptions, context: CommandContext): Promise<void> {
  const path = (given: string | undefined): string | undefined =>
    given === undefined ? undefined : resolve(context.cwd, given);
  const home = path(options.home) ?? espalierHome();
  const workspace = path(options.workspace) ?? context.cwd;
  // Parts of the engine, and the processes that the service starts, ask the environment for these two.
  process.env['ESPALIER_HOME'] = home;
  process.env['ESPALIER_WORKSPACE'] = workspace;
  const entry = fileURLToPath(import.meta.url);
  const secrets = takeSecrets();
  const token = tokenOf(path(options.tokenFile)) ?? secrets.token;
  const tls = tlsOf(path(options.tlsCert), path(options.tlsKey));
  const verbose: ServiceOptions['write'] = (entry) => {
    if (entry.level !== 'info') line(context.err, `${entry.level}: ${entry.text}`);
  };
  const service = await startService({
    version: VERSION,
    toolkit: makeServiceToolkit(context.toolkit, entry),
    port: options.port ?? 0,
    host: options.host,
    workspace,
    home,
    page: path(options.page) ?? join(dirname(entry), 'page'),
    entry,
    desktop: options.desktop === true,
    write: verbose,
    ...(options.behindProxy === undefined ? {} : { proxyOrigin: options.behindProxy }),
    ...(tls === undefined ? {} : { tls }),
    ...(token === undefined ? {} : { token }),
    ...(secrets.shell === undefined ? {} : { shellSecret: secrets.shell }),
  });
  try {
    tell(service, options, context);
    service.context.checks.warm();
    await untilEnd(service, options, context);
  } finally {
    await service.close();
  }
}

/** Secrets come by the environment of the shell's child, and go from it before anything else is started. */
function takeSecrets(): { readonly token: string | undefined; readonly shell: string | undefined } {
  const take = (name: string): string | undefined => {
    const value = process.env[name];
    delete process.env[name];
    return value === undefined || value === '' ? undefined : strongToken(value, name);
  };
  return { token: take('ESPALIER_TOKEN'), shell: take('ESPALIER_SHELL_SECRET') };
}

function strongToken(text: string, where: string): string {
  if (/^[A-Za-z0-9_-]{32,200}$/.test(text)) return text;
  throw problem('token-weak', 'The token is no token.', 'Use 32 to 200 letters and digits.', where);
}

function tokenOf(file: string | undefined): string | undefined {
  return file === undefined ? undefined : strongToken(readFileSync(file, 'utf8').trim(), file);
}

function tlsOf(cert: string | undefined, key: string | undefined): ServiceOptions['tls'] {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    throw problem(
      'option-tls',
      'TLS takes a certificate and a key.',
      'Give --tls-cert and --tls-key.',
      cert ?? key ?? '',
    );
  }
  return { cert: readFileSync(cert), key: readFileSync(key) };
}

function tell(service: Service, options: ServeOptions, context: CommandContext): void {
  const address = service.address();
  if (options.json) line(context.out, jsonLine({ event: 'listening', port: service.port, address }));
  else {
    line(context.out, `Espalier is at ${address}`);
    line(context.out, 'The address works once, within a minute. Press Enter for another one, Ctrl+C to end.');
  }
  if (options.open) openBrowser(address);
}

const OPENERS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};

function openBrowser(address: string): void {
  const [command, ...args] = OPENERS[process.platform] ?? ['xdg-open'];
  const child = spawn(command, [...args, address], { stdio: 'ignore', detached: true });
  // Without a browser the address on the screen serves.
  child.on('error', () => undefined);
  child.unref();
}

/** Half of a ticket's life, so that the file never holds one that has ended. */
const REFRESH = 30_000;

/** Waits for the request to stop, or for the end of the process that holds our standard input. */
function untilEnd(service: Service, options: ServeOptions, context: CommandContext): Promise<void> {
  const { stop } = context;
  return new Promise((resolveEnd) => {
    const file = options.ticketFile === undefined ? undefined : resolve(context.cwd, options.ticketFile);
    const refresh = (): void => {
      if (file === undefined) return;
      mkdirSync(dirname(file), { recursive: true });
      writeFileDurable(file, `${service.address()}\n`);
    };
    refresh();
    const timer = file === undefined ? undefined : setInterval(refresh, REFRESH);
    const end = (): void => {
      clearInterval(timer);
      process.stdin.pause();
      resolveEnd();
    };
    if (stop.aborted) return end();
    stop.addEventListener('abort', end, { once: true });
    const held = options.shell === true || options.desktop === true || isPipe();
    if (!held && !process.stdin.isTTY) return;
    process.stdin.on('data', () => {
      if (options.json !== true && process.stdin.isTTY) line(context.out, service.address());
    });
    if (held) process.stdin.once('end', end);
    process.stdin.once('error', end);
    process.stdin.resume();
  });
}

/** Whether standard input is a pipe that another process holds; it ends when that process does. */
function isPipe(): boolean {
  try {
    const facts = fstatSync(0);
    return facts.isFIFO() || facts.isSocket();
  } catch {
    return false;
  }
}
