/** Handlers of `app.*`, `models.*`, `files.*` and `download.*`. */
import { availableParallelism, totalmem } from 'node:os';
import type { CommandParams, CommandResult } from '../../protocol/api/commands.ts';
import type { Document } from '../../protocol/document.ts';
import { printDocument } from '../../protocol/print.ts';
import { DEVICES } from '../../workflow/devices.ts';
import type { Handlers, ServiceContext } from '../context.ts';
import { copyBeside } from '../files/copyBeside.ts';
import { cleanDisk, diskUse } from './disk.ts';
import { addModelFolder, createModelJobs, modelEntries, noFolderGiven } from './models.ts';
import { problemReport } from './report.ts';

/** Backbones that open documents name, so that cleaning up leaves them. */
function backbonesInUse({ projects }: ServiceContext): ReadonlySet<string> {
  const names = new Set<string>();
  const look = (workflow: Document['workflow']): void => {
    for (const step of Object.values(workflow.nodes)) {
      const { backbone } = step.params as Readonly<Record<string, unknown>>;
      if (typeof backbone === 'string')
        names.add(backbone === 'starter' ? 'sentence-transformers/all-MiniLM-L6-v2' : backbone);
      if (step.body) look(step.body);
    }
  };
  for (const project of projects.all()) look(project.document.workflow);
  return names;
}

const nodeCount = (document: Document): number =>
  Object.values(document.models).reduce((n, graph) => n + Object.keys(graph.nodes).length, 0);

/** Downloads of runs belong to the part of the service that knows runs. */
export type RunDownload = (
  what: Extract<CommandParams<'download.ticket'>['what'], { readonly kind: 'run-file' | 'run-export' }>,
) => Promise<CommandResult<'download.ticket'>> | CommandResult<'download.ticket'>;

export function appHandlers(
  context: ServiceContext,
  runDownload: RunDownload,
): Handlers<'app.' | 'models.' | 'files.' | 'download.'> {
  const { workspace, grants, projects, downloads, settings, recent, home, toolkit, log } = context;
  const folders = { home, workspace: workspace.folder };
  const getModel = createModelJobs();
  return {
    'app.info': () => ({
      version: context.version,
      workspace: workspace.folder,
      cores: availableParallelism(),
      memoryBytes: totalmem(),
      devices: [...DEVICES],
      desktop: context.desktop,
    }),
    'app.catalog': () => ({
      ...toolkit.catalog(),
      templates: toolkit.templates.map(({ name, title, help }) => ({ name, title, help })),
    }),
    'app.settings': () => settings.get(),
    'app.setSettings': (change) => settings.set(change),
    'app.recent': () => recent.list(workspace),
    'app.problemReport': () => ({
      text: problemReport({
        version: context.version,
        home,
        workspace: workspace.folder,
        desktop: context.desktop,
        projects: projects.all().map((p) => ({ nodes: nodeCount(p.document), revision: p.revision })),
        log: log.tail(),
      }),
    }),
    'app.disk': () => diskUse(folders, backbonesInUse(context)),
    'app.cleanDisk': ({ ids }) => ({ freed: cleanDisk(folders, ids, backbonesInUse(context)) }),
    'models.list': () => modelEntries(home),
    'models.get': ({ id }) => ({ job: getModel(context, id) }),
    'models.add': async ({ grant, path, name }) => {
      const folder =
        grant === undefined ? (path === undefined ? undefined : workspace.directory(path)) : grants.folder(grant);
      if (folder === undefined) throw noFolderGiven();
      return { name: await addModelFolder(context, folder, name) };
    },
    'files.list': ({ path }) => workspace.list(path),
    'files.import': ({ project, grant }) => {
      const from = grants.file(grant);
      return { file: copyBeside(from, projects.get(project as never).folder) };
    },
    'download.ticket': async ({ what }) => {
      if (what.kind === 'document') {
        const project = projects.get(what.project as never);
        return downloads.offer({
          name: project.file,
          content: { kind: 'text', text: printDocument(project.document) },
        });
      }
      if (what.kind === 'code') {
        const { text } = await context.checks.code(projects.get(what.project as never), what.model);
        return downloads.offer({ name: 'model.py', content: { kind: 'text', text } });
      }
      return runDownload(what);
    },
  };
}
