/** Commands that act on what is selected in a model: muting, layers, sharing, taking stacks apart. */
import { joinStacks, splitStack, unrollStack } from '../../engine/protocol/edit.ts';
import type { UiCommand } from '../commands/command.ts';
import type { Editor, EditorState } from '../state/editor.ts';
import { shareOf, shareWords } from '../state/share.ts';
import { placesOf, subjectIn } from './model/chosen.ts';
import { inTurn, setLayers, shareAmong, toggleMute, setShared, dropUnusedSets } from './model/edits.ts';
import { figuresOfModel, tableText } from './model/figures.ts';
import { neighbours } from './model/stackEdits.ts';

const nothing = (s: EditorState): string | undefined =>
  placesOf(s).length === 0 ? 'Select nodes of a model first.' : undefined;

const few = (s: EditorState): string | undefined =>
  placesOf(s).length < 2 ? 'Select two modules or more first.' : undefined;

const stackIn = (s: EditorState) => {
  const subject = subjectIn(s);
  return subject?.kind === 'stack' ? subject : undefined;
};
const noStack = (s: EditorState): string | undefined =>
  stackIn(s) === undefined ? 'Select a stack of layers first.' : undefined;
const oneLayer = (s: EditorState): string | undefined =>
  noStack(s) ?? (stackIn(s)?.node.stack?.repeat === 1 ? 'The stack has one layer.' : undefined);

const modelOf = (s: EditorState) => (s.place.model === undefined ? undefined : figuresOfModel(s.check, s.place.model));
const noFigures = (s: EditorState): string | undefined =>
  modelOf(s) === undefined ? 'Show a model whose check has ended.' : undefined;

async function copy(editor: Editor, text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    editor.toast('info', `${what} copied.`);
  } catch {
    editor.toast('warning', 'The clipboard cannot be written to.');
  }
}

export const inspectorCommands: readonly UiCommand[] = [
  {
    id: 'node.allLayers',
    title: 'Put the selected modules into all layers',
    group: 'Layers',
    unavailable: nothing,
    run: (editor) => {
      const places = placesOf(editor.store.getState());
      editor.edit('Put into all layers', inTurn(places.map(({ at }) => setLayers(at, 'all'))));
    },
  },
  {
    id: 'node.muteHere',
    title: 'Mute or unmute the selected nodes in the layer that is shown',
    group: 'Layers',
    words: ['bypass', 'switch off'],
    unavailable: nothing,
    run: (editor) => {
      const state = editor.store.getState();
      const edits = placesOf(state).map(({ at }) => toggleMute(at, state.place.layer));
      editor.edit('Mute or unmute', inTurn(edits));
    },
  },
  {
    id: 'sharing.together',
    title: 'Let the selected modules share one parameter set',
    group: 'Graph',
    words: ['tie weights', 'shared set'],
    unavailable: few,
    run: (editor) => {
      const places = placesOf(editor.store.getState()).map((p) => p.at);
      editor.edit('Share parameters', shareAmong(places, ''));
    },
  },
  {
    id: 'sharing.apart',
    title: 'Give the selected modules parameters of their own',
    group: 'Graph',
    words: ['untie weights'],
    unavailable: nothing,
    run: (editor) => {
      const places = placesOf(editor.store.getState());
      const edits = places.map(({ at }) => setShared(at, undefined));
      editor.edit('Parameters of their own', inTurn([...edits, dropUnusedSets]));
    },
  },
  {
    id: 'stack.splitMiddle',
    title: 'Split the stack in the middle, or before the layer that is shown',
    group: 'Layers',
    unavailable: oneLayer,
    run: (editor) => {
      const state = editor.store.getState();
      const subject = stackIn(state);
      const stack = subject?.node.stack;
      if (subject === undefined || stack === undefined) return;
      const { layer } = state.place;
      const middle = stack.first + Math.floor(stack.repeat / 2);
      const inside = layer !== 'all' && layer > stack.first && layer < stack.first + stack.repeat;
      editor.edit('Split stack', (d) => splitStack(d, subject.at, inside ? layer : middle));
    },
  },
  {
    id: 'stack.joinNext',
    title: 'Join the stack with its neighbour',
    group: 'Layers',
    unavailable: (s) => {
      const subject = stackIn(s);
      if (subject === undefined || s.document === undefined) return 'Select a stack of layers first.';
      return neighbours(s.document, subject.at).length === 0 ? 'No other part of this stack is next to it.' : undefined;
    },
    run: (editor) => {
      const { document } = editor.store.getState();
      const subject = stackIn(editor.store.getState());
      const other = document && subject && neighbours(document, subject.at).at(-1);
      if (subject && other)
        editor.edit('Join stacks', (d) => joinStacks(d, subject.at.graph, subject.at.node, other.id));
    },
  },
  {
    id: 'stack.unrollSelected',
    title: 'Unroll the stack into one stack per layer',
    group: 'Layers',
    unavailable: oneLayer,
    run: (editor) => {
      const subject = stackIn(editor.store.getState());
      if (subject) editor.edit('Unroll stack', (d) => unrollStack(d, subject.at));
    },
  },
  {
    id: 'model.copyShare',
    title: 'Copy the trainable share',
    group: 'Results',
    words: ['parameters', 'percent'],
    unavailable: noFigures,
    run: async (editor) => {
      const figures = modelOf(editor.store.getState());
      if (figures) await copy(editor, shareWords(shareOf(figures)), 'The trainable share was');
    },
  },
  {
    id: 'model.copyParameters',
    title: 'Copy the table of trainable parameters',
    group: 'Results',
    words: ['tsv', 'names', 'shapes'],
    unavailable: noFigures,
    run: async (editor) => {
      const figures = modelOf(editor.store.getState());
      if (figures) await copy(editor, tableText(figures.trainable), 'The table was');
    },
  },
];
