/** Commands of the matrix. Those that act on cells work while the matrix is shown. */
import type { UiCommand } from '../commands/command.ts';
import type { Editor, EditorState } from '../state/editor.ts';
import type { MatrixHandle } from './handle.ts';
import { SHOW_MODES, type ShowMode } from './model/heat.ts';

const notShown = (s: EditorState): string | undefined =>
  s.place.level === 'model' && s.place.view === 'matrix' ? undefined : 'Show the matrix first (M).';

const onMatrix =
  (act: (matrix: MatrixHandle) => void) =>
  (editor: Editor): void => {
    if (editor.matrix.current) act(editor.matrix.current);
  };

const MODE_TITLES: Readonly<Record<ShowMode, string>> = {
  module: 'modules',
  parameters: 'parameters',
  memory: 'memory',
  'grad norm': 'gradient norms',
  'update norm': 'update norms',
  omega: 'learnt weights of sources',
  'diff to run': 'the difference to a run',
};

const BRUSHES: readonly (readonly [string, string])[] = [
  ['peft.lora', 'LoRA'],
  ['peft.dora', 'DoRA'],
  ['peft.bottleneck', 'Bottleneck adapter'],
  ['peft.ia3', '(IA)³'],
  ['peft.prefix', 'Prefix'],
  ['peft.lnTuning', 'LayerNorm tuning'],
  ['peft.bitfit', 'BitFit'],
];

export const matrixCommands: readonly UiCommand[] = [
  {
    id: 'matrix.paint',
    title: 'Matrix: paint the chosen cells',
    group: 'Layers',
    words: ['brush', 'attach'],
    unavailable: notShown,
    run: onMatrix((m) => m.paint()),
  },
  {
    id: 'matrix.erase',
    title: 'Matrix: erase the chosen cells',
    group: 'Layers',
    words: ['remove modules'],
    unavailable: notShown,
    run: onMatrix((m) => m.erase()),
  },
  {
    id: 'matrix.selectAll',
    title: 'Matrix: choose all cells',
    group: 'Layers',
    unavailable: notShown,
    run: onMatrix((m) => m.selectAll()),
  },
  {
    id: 'matrix.copyLayer',
    title: 'Matrix: copy the modules of the chosen layer to the others',
    group: 'Layers',
    words: ['duplicate layer'],
    unavailable: notShown,
    run: onMatrix((m) => m.copyLayer()),
  },
  ...(['select', 'paint', 'erase'] as const).map((tool): UiCommand => ({
    id: `matrix.tool.${tool}`,
    title: `Matrix: tool to ${tool}`,
    group: 'Layers',
    unavailable: notShown,
    run: onMatrix((m) => m.setTool(tool)),
  })),
  ...SHOW_MODES.map((mode): UiCommand => ({
    id: `matrix.show.${mode.replaceAll(' ', '-')}`,
    title: `Matrix: show ${MODE_TITLES[mode]}`,
    group: 'View',
    words: ['heat map'],
    unavailable: notShown,
    run: onMatrix((m) => m.setMode(mode)),
  })),
  ...BRUSHES.map(([type, title]): UiCommand => ({
    id: `matrix.brush.${type}`,
    title: `Matrix: brush ${title}`,
    group: 'Layers',
    unavailable: notShown,
    run: onMatrix((m) => m.setBrush(type)),
  })),
];
