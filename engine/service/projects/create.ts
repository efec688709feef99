/** New documents: from a template, for a text classifier, from a backbone, from a text. Files appear under names that are free. */
import { closeSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileDurable } from '../../base/durable.ts';
import { UserError } from '../../base/errors.ts';
import { defaultTitle } from './titles.ts';
import type { CommandParams } from '../../protocol/api/commands.ts';
import type { Document, Params } from '../../protocol/document.ts';
import { recordOf } from '../../protocol/ids.ts';
import { parseDocument } from '../../protocol/parse.ts';
import { printDocument } from '../../protocol/print.ts';
import { knowsType } from '../../workflow/loadDocument.ts';
import { modelGiven } from '../../workflow/backbone.ts';
import { copyBeside } from '../files/copyBeside.ts';
import type { ServiceContext } from '../context.ts';
import { userProblem } from '../problems.ts';
import { isInside, isPlainName } from '../files/workspace.ts';
import type { NewRequest } from '../toolkit.ts';

type From = CommandParams<'project.new'>['from'];
type Tune = Extract<From, { readonly kind: 'tune' }>;

const ENDING = '.espalier.json';
/** The sample of the guided first run. */
const SAMPLE = 'first-steps.csv';
const SAMPLE_EVALUATION = 'first-steps.eval.csv';

/** Writes the new document into the workspace and gives its real path. */
export async function createDocument(context: ServiceContext, name: string, from: From): Promise<string> {
  const folder = context.workspace.folder;
  const document = await documentOf(context, folder, name, from);
  const path = reserve(folder, name);
  try {
    writeFileDurable(path, printDocument(document));
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
  return path;
}

/** An empty file under a name that nobody had; exclusive, so that two windows never get the same one. */
function reserve(folder: string, name: string): string {
  const stem = name.endsWith(ENDING) ? name.slice(0, -ENDING.length) : name.replace(/\.json$/, '');
  if (!isPlainName(stem)) {
    throw userProblem(
      'file-name',
      'This cannot be the name of a file.',
      'Leave out / \\ : * ? " < > | and dots at the ends.',
      {
        found: name,
      },
    );
  }
  for (let n = 1; ; n++) {
    const path = join(folder, `${stem}${n === 1 ? '' : ` ${n}`}${ENDING}`);
    try {
      closeSync(openSync(path, 'wx', 0o644));
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

async function documentOf(context: ServiceContext, folder: string, name: string, from: From): Promise<Document> {
  const { toolkit, home } = context;
  switch (from.kind) {
    case 'text': {
      const { document, diagnostics } = parseDocument(from.text, name, { knows: knowsType(toolkit.registry) });
      if (!document) throw new UserError(diagnostics);
      return document;
    }
    case 'backbone':
      return toolkit.makeBare({
        title: defaultTitle(name),
        folder,
        backbone: backboneOf(context, from.backbone),
        home,
      });
    case 'template':
      return fromTemplate(context, folder, name, from.template);
    case 'tune':
      return (await toolkit.makeTuned(tuneRequest(context, folder, name, from))).document;
  }
}

/** A name of the store, or a folder of the workspace. */
function backboneOf({ workspace }: ServiceContext, given: string): string {
  if (!given.startsWith('./')) return modelGiven(given, workspace.folder);
  return workspace.directory(given.slice(2));
}

async function fromTemplate(context: ServiceContext, folder: string, name: string, wanted: string): Promise<Document> {
  const { toolkit, home } = context;
  const template = toolkit.templates.find((t) => t.name === wanted);
  if (!template) {
    const fix = `Choose one of ${toolkit.templates.map((t) => t.name).join(', ')}.`;
    throw userProblem('template-unknown', 'There is no such template.', fix, { found: wanted });
  }
  const sample = (file: string): string => join(folder, sampleBeside(context, folder, file));
  const { document } = await toolkit.makeTuned({
    title: defaultTitle(name),
    folder,
    backbone: 'starter',
    home,
    data: sample(template.data),
    ...(template.evaluation === undefined ? {} : { evaluation: sample(template.evaluation) }),
    method: template.method,
    methodParams: template.methodParams,
    sources: template.sources.map((s) => ({ name: s.name, file: sample(s.file) })),
    training: template.training,
    ...(template.sourceTraining === undefined ? {} : { sourceTraining: template.sourceTraining }),
  });
  return template.adapt?.(document) ?? document;
}

/** A shipped sample file, copied beside the document unless the same content lies there already. */
export function sampleBeside({ toolkit }: Pick<ServiceContext, 'toolkit'>, folder: string, file: string): string {
  return copyBeside(join(toolkit.samples, file), folder);
}

function tuneRequest(context: ServiceContext, folder: string, name: string, from: Tune): NewRequest {
  const { text, label, task, epochs, method, params } = from;
  return {
    ...dataRequest(context, folder, from.data),
    title: defaultTitle(name),
    folder,
    backbone: backboneOf(context, from.backbone),
    home: context.home,
    method,
    methodParams: params,
    sources: [],
    ...(text === undefined ? {} : { text }),
    ...(label === undefined ? {} : { label }),
    ...(task === undefined ? {} : { task }),
    training: recordOf<string, Params[string]>(epochs === undefined ? [] : [['epochs', epochs]]),
  };
}

/** Training data beside the document; the sample brings its evaluation data along. */
export function dataRequest(
  context: ServiceContext,
  folder: string,
  data: Tune['data'],
): Pick<NewRequest, 'data' | 'evaluation'> {
  return {
    data: join(folder, dataBeside(context, folder, data)),
    ...('sample' in data ? { evaluation: join(folder, sampleBeside(context, folder, SAMPLE_EVALUATION)) } : {}),
  };
}

/** The data file relative to the folder of the document; copied there when it lies outside. */
function dataBeside(context: ServiceContext, folder: string, data: Tune['data']): string {
  if ('sample' in data) return sampleBeside(context, folder, SAMPLE);
  const path = 'grant' in data ? context.grants.file(data.grant) : context.workspace.file(data.path);
  if (isInside(path, folder)) return path.slice(folder.length + 1);
  return copyBeside(path, folder);
}
