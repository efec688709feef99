/** Commands of adding, selecting and of stacks. */
import type { UiCommand } from '../../commands/command.ts';
import type { EditorState } from '../../state/editor.ts';
import { editable, needsCanvas, needsModel, needsNodes } from './available.ts';
import { openAdapter } from './files.ts';
import { selectAll, selectRecipe, selectSimilar, selectSite } from './selecting.ts';
import { joinSelected, splitAt, stackOf, stepLayer, unrollSelected } from './stacks.ts';

const needsStack = (s: EditorState): string | undefined =>
  needsModel(s) ?? (stackOf(s) ? undefined : 'Select a stack, or something inside of one.');

const needsLayer = (s: EditorState): string | undefined => {
  const stack = stackOf(s)?.value.stack;
  if (!stack) return needsStack(s) ?? 'Select a stack first.';
  return s.place.layer === 'all' || s.place.layer <= stack.first
    ? 'Show the layer before which it shall be split; not the first one.'
    : undefined;
};

export const restCommands: readonly UiCommand[] = [
  {
    id: 'canvas.palette',
    title: 'Modules',
    group: 'Add',
    keys: 'Ctrl+Shift+A',
    words: ['palette', 'add', 'taxonomy', 'library'],
    unavailable: needsCanvas,
    run: (e) => e.set({ rail: e.store.getState().rail === 'add' ? undefined : 'add' }),
  },
  {
    id: 'canvas.quickAdd',
    title: 'Add a node ...',
    group: 'Add',
    keys: 'Shift+A',
    words: ['new', 'insert', 'create'],
    unavailable: editable(needsCanvas),
    run: (e) => e.canvas.current?.quickAdd('add'),
  },
  {
    id: 'canvas.attach',
    title: 'Add to the selection ...',
    group: 'Add',
    keys: 'A',
    words: ['attach', 'lora', 'dock', 'module'],
    unavailable: editable(needsModel),
    run: (e) => e.canvas.current?.quickAdd('attach'),
  },
  {
    id: 'canvas.openAdapter',
    title: 'Add an adapter from a folder ...',
    group: 'Add',
    words: ['hugging face', 'peft', 'import'],
    unavailable: editable(needsModel),
    run: openAdapter,
  },
  {
    id: 'canvas.selectAll',
    title: 'Select all nodes of the graph',
    group: 'Edit',
    keys: 'Ctrl+A',
    unavailable: needsModel,
    run: selectAll,
  },
  {
    id: 'canvas.selectSimilar',
    title: 'Select all of this type',
    group: 'Edit',
    unavailable: needsNodes,
    run: selectSimilar,
  },
  {
    id: 'canvas.selectSite',
    title: 'Select all of this site',
    group: 'Edit',
    unavailable: needsNodes,
    run: selectSite,
  },
  {
    id: 'canvas.selectRecipe',
    title: 'Select all of this recipe',
    group: 'Edit',
    unavailable: needsNodes,
    run: selectRecipe,
  },
  {
    id: 'stack.split',
    title: 'Split the stack before the shown layer',
    group: 'Layers',
    unavailable: editable(needsLayer),
    run: (e) => {
      const found = stackOf(e.store.getState());
      const { layer } = e.store.getState().place;
      if (found && layer !== 'all') splitAt(e, found.graph, found.node, layer);
    },
  },
  {
    id: 'stack.join',
    title: 'Join the stack with its other part',
    group: 'Layers',
    unavailable: editable(needsStack),
    run: joinSelected,
  },
  {
    id: 'stack.unroll',
    title: 'Unroll the stack',
    group: 'Layers',
    unavailable: editable(needsStack),
    run: unrollSelected,
  },
  {
    id: 'stack.nextLayer',
    title: 'Show the next layer',
    group: 'Layers',
    keys: ']',
    unavailable: needsStack,
    run: (e) => stepLayer(e, 1),
  },
  {
    id: 'stack.previousLayer',
    title: 'Show the layer before',
    group: 'Layers',
    keys: '[',
    unavailable: needsStack,
    run: (e) => stepLayer(e, -1),
  },
  {
    id: 'stack.allLayers',
    title: 'Show all layers',
    group: 'Layers',
    keys: 'Shift+L',
    unavailable: needsStack,
    run: (e) => e.set({ place: { ...e.store.getState().place, layer: 'all' } }),
  },
];
