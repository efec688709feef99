/** Changes that the engine works out for the page, as patches that the page then makes as ordinary edits. */
import { resolve } from 'node:path';
import { diff } from '../../protocol/api/patch.ts';
import type { CommandParams } from '../../protocol/api/commands.ts';
import type { Proposal } from '../../protocol/api/project.ts';
import type { Document } from '../../protocol/document.ts';
import { unfoldWorkflow } from '../../protocol/steps.ts';
import type { BankId, ModelId } from '../../protocol/ids.ts';
import { paramsOf } from '../../workflow/check.ts';
import type { ServiceContext } from '../context.ts';
import { Refusal, problem, userProblem } from '../problems.ts';
import { dataRequest } from './create.ts';
import type { ProjectSession } from './session.ts';

/** A proposal is for the document that the page shows; an older one would be worked out in vain. */
export function current(project: ProjectSession, revision: number): Document {
  if (project.revision === revision) return project.document;
  throw new Refusal(
    409,
    problem('revision-old', 'The document has changed in the meantime.', 'Try again.', {
      found: `revision ${revision}`,
    }),
  );
}

export function modelOf(document: Document, name: string): ModelId {
  if (Object.hasOwn(document.models, name)) return name as ModelId;
  throw userProblem('model-missing', 'The document has no such model.', 'Choose another model.', { found: name });
}

export const plural = (n: number, one: string): string => `${n} ${one}${n === 1 ? '' : 's'}`;

/** Nodes on all levels of a model. */
function nodesOf(graph: Document['models'][ModelId]): number {
  return Object.values(graph.nodes).reduce((n, node) => n + 1 + (node.body ? nodesOf(node.body) : 0), 0);
}

export function proposeMethod(
  { toolkit }: ServiceContext,
  project: ProjectSession,
  { revision, model: name, method, params, bank }: CommandParams<'project.proposeMethod'>,
): Proposal {
  const document = current(project, revision);
  const model = modelOf(document, name);
  if (bank !== undefined && !Object.hasOwn(document.banks, bank)) {
    throw userProblem('bank-missing', 'The document has no such source bank.', 'Choose another bank.', { found: bank });
  }
  const made = toolkit.applyMethod(document, model, method, params, bank as BankId | undefined);
  if (!made.ok) {
    throw userProblem('method-unfit', `${made.error}.`, 'Choose another method, place or value.', { where: { model } });
  }
  const before = document.models[model];
  const after = made.value.models[model];
  const added = after && before ? nodesOf(after) - nodesOf(before) : 0;
  const title = toolkit.catalog().methods.find((m) => m.name === method)?.title ?? method;
  return { patch: diff(document, made.value), revision, notes: [`${title}: ${plural(added, 'module')} added.`] };
}

/**
 * Data, a head for its classes and the steps that train: what a new document would have, as a patch of this one. Its model
 * is laid out anew for the task only when the present head cannot serve it.
 */
export async function proposeTraining(
  context: ServiceContext,
  project: ProjectSession,
  params: CommandParams<'project.proposeTraining'>,
): Promise<Proposal> {
  const document = current(project, params.revision);
  const step = unfoldWorkflow(document).find((i) => i.step.type === 'model' && i.step.model !== undefined);
  if (!step?.step.model) {
    throw userProblem('model-missing', 'The workflow has no model to train.', 'Add a backbone first.');
  }
  if (Object.values(document.workflow.nodes).some((s) => s.type === 'train')) {
    throw userProblem(
      'training-there',
      'The workflow has a training step already.',
      'Change the steps that are there.',
    );
  }
  const { data, text, label, task } = params;
  const { document: made, reasons } = await context.toolkit.makeTuned({
    ...dataRequest(context, project.folder, data),
    title: document.title,
    folder: project.folder,
    backbone: backboneFor(paramsOf(step, 'model').backbone, project.folder),
    home: context.home,
    method: 'head',
    methodParams: {},
    sources: [],
    ...(text === undefined ? {} : { text }),
    ...(label === undefined ? {} : { label }),
    ...(task === undefined ? {} : { task }),
    training: {},
  });
  const fitted = withModelName(made, step.step.model, document);
  const next = { ...document, workflow: fitted.workflow, models: { ...document.models, ...fitted.models } };
  current(project, params.revision);
  return { patch: diff(document, next), revision: params.revision, notes: reasons };
}

const backboneFor = (reference: string, folder: string): string =>
  reference.startsWith('.') ? resolve(folder, reference) : reference;

/** The made document with its one model under the name that the open one has, its modules kept where the head allows. */
function withModelName(made: Document, model: ModelId, before: Document): Pick<Document, 'workflow' | 'models'> {
  const [graph] = Object.values(made.models);
  if (!graph) throw new Error('a made document has a model');
  const nodes = Object.fromEntries(
    Object.entries(made.workflow.nodes).map(([id, step]) => [id, step.type === 'model' ? { ...step, model } : step]),
  );
  const own = before.models[model];
  const isBare = own === undefined || nodesOf(own) <= nodesOf(graph);
  return { workflow: { ...made.workflow, nodes }, models: isBare ? { [model]: graph } : {} };
}
