/** The four steps of the guided first run: what each is, when it is done, and doing it for the person. */
import type { Document, Graph, Node, WorkflowNode } from '../../../engine/protocol/document.ts';
import { applyPatch } from '../../../engine/protocol/api/patch.ts';
import { inWorkflow, setParam } from '../../../engine/protocol/edit.ts';
import { entriesOf, type ModelId, type NodeId } from '../../../engine/protocol/ids.ts';
import type { CommandInput } from '../../../engine/protocol/api/commands.ts';
import type { Editor, EditorState, GuideStep } from '../../state/editor.ts';
import { GUIDE_STEPS } from '../../state/editorState.ts';
import { newFrom } from '../files.ts';

/** The model that ships with the app. */
export const STARTER = 'starter';

export interface StepWords {
  readonly title: string;
  readonly text: string;
  /** What the person may do instead. */
  readonly own: string;
}

export const STEP_WORDS: Readonly<Record<GuideStep, StepWords>> = {
  backbone: {
    title: 'Choose a backbone',
    text: 'A pretrained model that stays frozen. MiniLM is small, good at English sentences, and already here.',
    own: 'Open a model folder',
  },
  data: {
    title: 'Give it data',
    text: 'A file with a column of texts and one of labels. The sample holds short messages of four kinds.',
    own: 'Choose my own file',
  },
  method: {
    title: 'Attach a method',
    text: 'LoRA puts two small matrices beside query and value of each layer; only they and the head train.',
    own: 'Choose a module myself',
  },
  train: {
    title: 'Train',
    text: 'A few passes over the data. Watch the loss fall; the graph stays editable meanwhile.',
    own: 'Look at the settings first',
  },
};

const every = (graph: Graph | undefined): readonly Node[] =>
  Object.values<Node>(graph?.nodes ?? {}).flatMap((node) => [node, ...every(node.body)]);

const steps = (document: Document): readonly { readonly type: string }[] => Object.values(document.workflow.nodes);

/** Whether the document has what the step is about. */
export function isDone(s: EditorState, step: GuideStep): boolean {
  const { document, catalog, runs } = s;
  if (!document) return false;
  switch (step) {
    case 'backbone':
      return Object.keys(document.models).length > 0;
    case 'data':
      return ['data.table', 'train'].every((type) => steps(document).some((x) => x.type === type));
    case 'method': {
      const modules = new Set((catalog?.nodes ?? []).filter((n) => n.peft && n.family !== 'head').map((n) => n.type));
      return Object.values(document.models).some((model) => every(model).some((node) => modules.has(node.type)));
    }
    case 'train':
      return runs.some((r) => r.state === 'done');
  }
}

/** The first step that is not done, from `from` on; undefined when all are. */
export const nextStep = (s: EditorState, from: GuideStep = 'backbone'): GuideStep | undefined =>
  GUIDE_STEPS.slice(GUIDE_STEPS.indexOf(from)).find((step) => !isDone(s, step));

type Data = CommandInput<'project.proposeTraining'>['data'];

export async function addBackbone(editor: Editor): Promise<void> {
  const models = await editor.client.call('models.list', {});
  const starter = models.find((m) => m.name === STARTER);
  if (starter?.present === false) {
    const { job } = await editor.client.call('models.get', { id: STARTER });
    await jobEnd(editor, job);
  }
  await newFrom(editor, { name: 'first run', from: { kind: 'backbone', backbone: STARTER } });
}

/** Settles when a download has ended; fails with its words. */
function jobEnd(editor: Editor, job: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = editor.client.onEvent((event) => {
      if (event.event !== 'progress' || event.job !== job) return;
      if (event.failed !== undefined) reject(new Error(event.failed));
      else if (event.ended !== true) return;
      else resolve();
      stop();
    });
  });
}

export async function addData(editor: Editor, data: Data): Promise<void> {
  await editor.settled();
  const { project, revision } = editor.store.getState();
  if (!project) return;
  const proposal = await editor.client.call('project.proposeTraining', { project: project.id, revision, data });
  if (!editor.applyProposal('Add data and training', proposal.patch)) return;
  editor.set({ drawer: 'data' });
  if (proposal.notes.length > 0) editor.toast('info', proposal.notes.join('\n'));
}

/** Settings that suit a small set and small modules; those of the training step are for large ones. */
const FIRST_TRAINING = { epochs: 4, batch: 16, lr: 0.003 } as const;

/** The document with settings of a first training, where the person has set none. */
function withFirstTraining(document: Document): Document {
  const train = entriesOf<NodeId, WorkflowNode>(document.workflow.nodes).find(([, step]) => step.type === 'train');
  if (!train || 'epochs' in train[1].params) return document;
  return Object.entries(FIRST_TRAINING).reduce<Document>((before, [param, value]) => {
    const next = setParam(before, { graph: inWorkflow(), node: train[0] }, param, value);
    return next.ok ? next.value : before;
  }, document);
}

export async function addMethod(editor: Editor, method = 'lora'): Promise<void> {
  await editor.settled();
  const { project, revision, document, place } = editor.store.getState();
  const model = place.model ?? (Object.keys(document?.models ?? {})[0] as ModelId | undefined);
  if (!project || model === undefined) return;
  const asked = { project: project.id, revision, model, method, params: {} };
  const { patch } = await editor.client.call('project.proposeMethod', asked);
  const made = editor.edit(`Attach ${method}`, (before) => {
    const next = applyPatch(before, patch);
    return next.ok ? withFirstTraining(next.value as Document) : before;
  });
  if (made) editor.set({ drawer: undefined, place: { ...place, level: 'model', model, view: 'graph' } });
}

/** Parameters of the training step in words, for the last step: `5 epochs, batch size 16, learning rate 0.003`. */
export function trainingWords(document: Document): string {
  const train = Object.values<WorkflowNode>(document.workflow.nodes).find((step) => step.type === 'train');
  if (!train) return '';
  const params: Readonly<Record<string, unknown>> = train.params;
  const says = (name: string, words: (value: string) => string): readonly string[] => {
    const value = params[name];
    return typeof value === 'number' ? [words(String(value))] : [];
  };
  return [
    ...says('epochs', (n) => (n === '1' ? '1 epoch' : `${n} epochs`)),
    ...says('batch', (n) => `batch size ${n}`),
    ...says('lr', (n) => `learning rate ${n}`),
  ].join(', ');
}
