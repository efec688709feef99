/** What the service is given: nodes, methods, and how documents are made, with the shipped samples and templates. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { applyPreset, bertGraph, PRESETS } from '../../nodes/index.ts';
import { must, UserError, type Diagnostic } from '../base/errors.ts';
import type { AnyNode } from '../nodekit/node.ts';
import type { Catalog, NodeTypeInfo, StepTypeInfo } from '../protocol/api/catalog.ts';
import { emptyDocument, type Document } from '../protocol/document.ts';
import { modelId, nodeId, recordOf } from '../protocol/ids.ts';
import type { NewDocument, NewRequest, ServiceToolkit } from '../service/toolkit.ts';
import type { ImportToolkit } from '../workflow/peftImport.ts';
import { STEP_TYPES, type StepType } from '../workflow/stepTypes.ts';
import { readBackbone, readChosenData, taskOf } from './new.ts';
import { defaultRate, makeDocument, type NewChoices, type SourceChoice } from './newDocument.ts';
import { TEMPLATES } from './templates.ts';

/** @param entry the bundle, near which the shipped samples lie */
export function makeServiceToolkit(toolkit: ImportToolkit, entry: string): ServiceToolkit {
  return {
    ...toolkit,
    applyMethod: applyPreset,
    catalog: () => catalogOf(toolkit.registry.all),
    makeTuned,
    makeBare,
    templates: TEMPLATES,
    samples: samplesFolder(entry),
  };
}

/** `examples` beside the bundle in a packaged app, else in the clone. */
function samplesFolder(entry: string): string {
  const near = ['examples', '../examples', '../../examples'].map((p) => join(dirname(entry), p));
  return near.find((p) => existsSync(join(p, 'first-steps.csv'))) ?? must(near[2], 'a folder');
}

function catalogOf(nodes: readonly AnyNode[]): Omit<Catalog, 'templates'> {
  const steps: readonly StepType[] = STEP_TYPES;
  return {
    nodes: nodes.map(nodeInfo),
    methods: PRESETS.map(({ name, title, help, params, bank }) => ({ name, title, help, params, bank: bank === true })),
    steps: steps.map(({ type, version, title, help, inputs, outputs, params, model }): StepTypeInfo => ({
      type,
      version,
      title,
      help,
      inputs,
      outputs,
      params,
      model: model === true,
    })),
  };
}

function nodeInfo({ type, version, docs, inputs, outputs, params, bypass, peft, bank }: AnyNode): NodeTypeInfo {
  const { title, family, help, equation, paper } = docs;
  return {
    type,
    version,
    title,
    family,
    help,
    ...(equation === undefined ? {} : { equation }),
    ...(paper === undefined ? {} : { paper }),
    inputs,
    outputs,
    params,
    bypass: bypass.kind,
    ...(peft ? { peft: { startPoint: peft.startPoint.kind, mergeable: peft.mergeable } } : {}),
    bank: bank === true,
  };
}

async function makeTuned(request: NewRequest): Promise<NewDocument> {
  const { folder, method } = request;
  const backbone = readBackbone(request.backbone, folder, folder);
  const reasons: string[] = [];
  const known = {
    ...(request.task === undefined ? {} : { task: request.task }),
    ...(request.text === undefined ? {} : { text: request.text }),
    ...(request.label === undefined ? {} : { label: request.label }),
  };
  const data = await readChosenData(request.data, folder, known, reasons);
  const evaluation =
    request.evaluation === undefined
      ? undefined
      : await readChosenData(request.evaluation, folder, { ...data.choice.columns }, []);
  const sources: SourceChoice[] = [];
  const found: Diagnostic[] = [...data.diagnostics];
  for (const { name, file } of request.sources) {
    const source = await readChosenData(file, folder, {}, reasons);
    found.push(...source.diagnostics);
    sources.push({ name, kind: 'data', data: source.choice });
  }
  const choices: NewChoices = {
    title: request.title,
    backbone,
    task: taskOf(data.dataset),
    data: data.choice,
    evaluation: evaluation?.choice,
    method,
    methodParams: Object.entries(request.methodParams).map(([name, value]) => [name, String(value)] as const),
    sources,
    training: recordOf([['lr', defaultRate(method)], ...Object.entries(request.training)]),
    sourceTraining: recordOf([
      ['lr', defaultRate('pfeiffer')],
      ...Object.entries(request.sourceTraining ?? request.training),
    ]),
  };
  const made = makeDocument(choices);
  if (!made.ok) {
    throw new UserError({
      code: 'method',
      severity: 'error',
      where: {},
      message: `${made.error}.`,
      fix: 'Choose another method, or other values of its parameters.',
    });
  }
  return { document: made.value, reasons, diagnostics: found };
}

function makeBare({ title, folder, backbone }: Pick<NewRequest, 'title' | 'folder' | 'backbone'>): Document {
  const { reference, config } = readBackbone(backbone, folder, folder);
  const main = modelId('main');
  return {
    ...emptyDocument(title),
    workflow: {
      nodes: recordOf([
        [nodeId('model'), { type: 'model', version: 1, model: main, params: recordOf([['backbone', reference]]) }],
      ]),
      edges: [],
    },
    models: recordOf([[main, bertGraph(config, { kind: 'classification', classes: 2 })]]),
  };
}
