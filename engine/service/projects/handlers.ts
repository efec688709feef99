/** Handlers of `project.*` and `check.now`. */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { bareJson } from './bare.ts';
import { copyBeside } from '../files/copyBeside.ts';
import { realPlace } from '../files/workspace.ts';
import type { Patch } from '../../protocol/api/patch.ts';
import type { HandlerTable, Handlers, ServiceContext } from '../context.ts';
import { REFUSALS, userProblem } from '../problems.ts';
import { createDocument } from './create.ts';
import { proposeMethod, proposeTraining } from './propose.ts';
import { takeAdapter } from './takeAdapter.ts';
import { relocation } from './relocate.ts';
import type { ProjectSession } from './session.ts';

export function projectHandlers(context: ServiceContext): Handlers<'project.'> & Pick<HandlerTable, 'check.now'> {
  const { projects, workspace, grants, recent, checks } = context;
  const opened = (path: string): ReturnType<typeof projects.open> => {
    const project = projects.open(path);
    recent.add(path, project.document.title === '' ? basename(path) : project.document.title);
    return project;
  };
  return {
    'project.new': async ({ name, from }) => opened(await createDocument(context, name, from)),
    'project.open': (what) => {
      if ('path' in what) return opened(workspace.file(what.path));
      if ('grant' in what) return opened(grants.file(what.grant));
      const path = recent.path(what.recent);
      if (path === undefined) throw REFUSALS.grant();
      if (realPlace(path) !== path) throw REFUSALS.forbidden(basename(path));
      return opened(path);
    },
    'project.get': ({ project }) => projects.describe(projects.get(project)),
    'project.edit': ({ project, revision, patch, label }, { key }) =>
      projects.get(project).edit(revision, bareJson(patch) as Patch, label, key),
    'project.save': ({ project }) => ({ savedAt: projects.get(project).save() }),
    'project.saveAs': ({ project, name, grant }) => {
      const session = projects.get(project);
      const path = placeFor(context, session, name, grant);
      projects.move(session, path);
      recent.add(path, session.document.title === '' ? basename(path) : session.document.title);
      return projects.describe(session);
    },
    'project.close': ({ project }) => {
      projects.close(project);
      return {};
    },
    'project.proposeMethod': (params) => proposeMethod(context, projects.get(params.project), params),
    'project.proposeTraining': (params) => proposeTraining(context, projects.get(params.project), params),
    'project.takeAdapter': (params) => takeAdapter(context, projects.get(params.project), params),
    'project.code': ({ project, model }) => checks.code(projects.get(project), model),
    'project.command': ({ project }) => ({ text: commandLine(projects.get(project).path) }),
    'project.relocate': ({ project, revision, step, param, grant }, { key }) => {
      const session = projects.get(project);
      const file = copyBeside(grants.file(grant), session.folder);
      return session.edit(revision, relocation(session.document, step, param, file), `Locate ${file}`, key);
    },
    'check.now': ({ project, phase }) => checks.now(projects.get(project), phase),
  };
}

/** Where a copy is written: a granted place, or a new name in the workspace, which must be free. */
function placeFor(
  { workspace, grants }: ServiceContext,
  session: ProjectSession,
  name: string | undefined,
  grant: Parameters<typeof grants.save>[0] | undefined,
): string {
  if (grant !== undefined) return grants.save(grant);
  if (name === undefined) throw userProblem('file-name', 'No name is given.', 'Give the copy a name.');
  const ending = '.espalier.json';
  const path = workspace.place('', name.endsWith('.json') ? name : `${name}${ending}`);
  const place = realPlace(path);
  if (workspace.relative(place) === undefined) throw REFUSALS.forbidden(name);
  if (place === session.path) return place;
  if (existsSync(place)) {
    throw userProblem('output-exists', 'A file of this name is there already.', 'Choose another name.', {
      found: name,
    });
  }
  return place;
}

/** The command for a terminal; every letter of the path is quoted as a shell takes it. */
const commandLine = (path: string): string => `espalier run '${path.replaceAll("'", `'\\''`)}'`;
