/** From an open project to runs in the queue: checked, copied for seeds and swept values, named by what they train. */
import { randomBytes } from 'node:crypto';
import { contentHash } from '../../base/canonical.ts';
import { UserError, type Diagnostic, type Place } from '../../base/errors.ts';
import type { CommandParams } from '../../protocol/api/commands.ts';
import type { RunId } from '../../protocol/api/fields.ts';
import type { Document } from '../../protocol/document.ts';
import { unfoldWorkflow } from '../../protocol/steps.ts';
import { paramsOf } from '../../workflow/check.ts';
import { stepType } from '../../workflow/stepTypes.ts';
import type { ServiceContext } from '../context.ts';
import { assetFile } from '../files/assets.ts';
import type { ProjectSession } from '../projects/session.ts';
import { problem } from '../problems.ts';
import type { ParamDefault } from '../../protocol/edit.ts';
import type { RunManager } from './manager.ts';
import * as messages from './messages.ts';
import { recipeWords, trainedModel } from './recipe.ts';
import { workspaceOf } from './record.ts';
import { seedOf, variants } from './variants.ts';

/** What a run trains, without words and positions: two documents of one hash give one result. */
export const contentOf = ({ workflow, models, recipes, sharedSets, banks }: Document): string =>
  contentHash({ workflow, models, recipes, sharedSets, banks });

/** Queues the runs that were asked for. The same key never makes a second set. */
export async function startRuns(
  context: ServiceContext,
  manager: RunManager,
  params: CommandParams<'run.start'>,
  key: string,
): Promise<readonly RunId[]> {
  const project = context.projects.get(params.project);
  const workspace = workspaceOf(project.path);
  const before = manager.withKey(workspace, key);
  if (before.length > 0) return before;
  const { revision, document } = project;
  if (revision !== params.revision) throw new UserError(messages.otherRevision(params.revision, revision));
  const check = await context.checks.now(project, 'findings');
  const errors = check.diagnostics.filter((d) => d.severity === 'error');
  if (errors.length > 0) throw new UserError(errors);
  requireTarget(document, params.target);
  requireFiles(context, project, document);
  const { seeds, sweep, target } = params;
  const request = { ...(seeds === undefined ? {} : { seeds }), ...(sweep === undefined ? {} : { sweep }) };
  const all = variants(document, request, stepDefaults(context));
  if (!all.ok) throw new UserError(all.error);
  const model = trainedModel(document);
  const figures = (check.models.find((m) => m.model === model) ?? check.models[0])?.totals;
  const group = all.value.length > 1 ? `group-${randomBytes(5).toString('hex')}` : undefined;
  return manager.add(
    all.value.map((variant) => {
      const recipe = recipeWords(variant.document, context.toolkit.registry);
      const name = params.name ?? recipe;
      return {
        workspace,
        document: variant.document,
        name: [name, ...(variant.words === '' ? [] : [variant.words])].join(' · '),
        key,
        ...(target === undefined ? {} : { target }),
        recipe,
        seed: seedOf(variant.document),
        ...(group === undefined ? {} : { group }),
        documentHash: contentOf(variant.document),
        trainable: figures?.trainable ?? 0,
        backbone: figures?.backbone ?? 0,
        ...(figures ? { head: figures.head } : {}),
      };
    }),
  );
}

function requireTarget(document: Document, target: string | undefined): void {
  if (target === undefined) return;
  const ids = unfoldWorkflow(document).map((i) => i.id);
  if (ids.some((id) => id === target || id.startsWith(`${target}[`) || id.startsWith(`${target}/`))) return;
  throw new UserError(problem('step-missing', `There is no step "${target}".`, 'Choose a step of the workflow.'));
}

/** Every file that the document names is there and may be used; all that are not are told at once. */
export function requireFiles(context: ServiceContext, project: ProjectSession, document: Document): void {
  const found: Diagnostic[] = [];
  const look = (path: string, where: Place): void => {
    try {
      assetFile(project.folder, context.workspace, path, where);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      found.push(...error.diagnostics);
    }
  };
  for (const instance of unfoldWorkflow(document)) {
    const { type } = instance.step;
    const where = { node: instance.id, param: 'file' };
    if (type === 'data.table' || type === 'adapter.file') look(paramsOf(instance, type).file, where);
    if (type !== 'model') continue;
    const { backbone } = paramsOf(instance, 'model');
    // A model of the store has a name; a folder is judged by the file that every model has.
    if (backbone.startsWith('.')) look(`${backbone}/config.json`, { node: instance.id, param: 'backbone' });
  }
  for (const [bank, { sources }] of Object.entries(document.banks)) {
    for (const { name, artifact } of sources) {
      if ('asset' in artifact) look(artifact.asset, { node: `bank ${bank}`, param: name });
    }
  }
  if (found.length > 0) throw new UserError(found);
}

/** Defaults of parameters, which say of what kind a swept value is. */
const stepDefaults =
  ({ toolkit }: ServiceContext): ParamDefault =>
  (node, param) =>
    stepType(node.type)?.params[param]?.default ?? toolkit.registry.get(node.type)?.params[param]?.default;
