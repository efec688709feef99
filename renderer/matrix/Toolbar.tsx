/** Above the matrix: the tool, the brush, what the cells show, and of which run. */
import { ChevronDown, Eraser, MousePointer2, Paintbrush } from 'lucide-react';
import { memo } from 'react';
import { useEditor, useEditorState } from '../state/editor.ts';
import { Button, Checkbox, Popover, Segmented, Select } from '../ui/index.ts';
import { BrushForm } from './BrushForm.tsx';
import styles from './matrix.module.css';
import type { Tool } from './handle.ts';
import { NEEDS_RUN, SHOW_MODES, type ShowMode } from './model/heat.ts';
import type { Brush } from './model/paint.ts';
import { matrixRun } from './useFiguresOf.ts';

export interface ToolbarProps {
  readonly tool: Tool;
  readonly brush: Brush;
  readonly label: string;
  readonly title: string;
  readonly replace: boolean;
  readonly mode: ShowMode;
  /** How many cells are chosen. */
  readonly chosen: number;
  readonly onTool: (tool: Tool) => void;
  readonly onBrush: (brush: Brush) => void;
  readonly onReplace: (replace: boolean) => void;
  readonly onMode: (mode: ShowMode) => void;
  readonly onPaint: () => void;
  readonly onErase: () => void;
}

const MODE_TITLES: Readonly<Record<ShowMode, string>> = {
  module: 'Modules',
  parameters: 'Parameters',
  memory: 'Memory',
  'grad norm': 'Gradient norm',
  'update norm': 'Update norm',
  omega: 'Learnt weights (omega)',
  'diff to run': 'Difference to a run',
};

export const Toolbar = memo(function Toolbar(props: ToolbarProps) {
  return (
    <div className={styles['toolbar']} role="toolbar" aria-label="Matrix">
      <Segmented
        label="Tool"
        value={props.tool}
        options={[
          {
            value: 'select',
            title: 'Select',
            icon: <MousePointer2 size={14} />,
            help: 'Choose cells; drag chooses a rectangle',
          },
          {
            value: 'paint',
            title: 'Paint',
            icon: <Paintbrush size={14} />,
            help: 'Drag puts the module of the brush into cells; Alt erases',
          },
          { value: 'erase', title: 'Erase', icon: <Eraser size={14} />, help: 'Drag takes modules out of cells' },
        ]}
        onChange={props.onTool}
      />
      <div className={styles['field']}>
        <span>Brush</span>
        <Popover
          label="Brush"
          trigger={
            <Button label={`Brush ${props.label} ${props.title}`} small>
              <span className={styles['brush']}>
                <span className={styles['swatch']}>{props.label}</span> {props.title}
                <ChevronDown size={14} style={{ marginLeft: 4 }} />
              </span>
            </Button>
          }
        >
          <BrushForm brush={props.brush} onBrush={props.onBrush} />
        </Popover>
      </div>
      <Checkbox
        label="Replace others"
        help="Painting takes other modules out of the cells; without it, modules stand beside each other."
        checked={props.replace}
        onChange={props.onReplace}
      />
      <div className={styles['field']}>
        <span>Show</span>
        <div className={styles['select']}>
          <Select
            label="Show"
            hideLabel
            value={props.mode}
            options={SHOW_MODES.map((m) => ({ value: m, title: MODE_TITLES[m] }))}
            onChange={props.onMode}
          />
        </div>
      </div>
      {NEEDS_RUN.has(props.mode) && <RunPicker />}
      <div className={styles['push']} />
      {props.chosen > 1 && (
        <>
          <span className={styles['caption']}>{props.chosen} cells</span>
          <Button small keys="Space" onClick={props.onPaint}>
            Paint
          </Button>
          <Button small keys="Delete" onClick={props.onErase}>
            Erase
          </Button>
        </>
      )}
    </div>
  );
});

function RunPicker() {
  const editor = useEditor();
  const runs = useEditorState((s) => s.runs);
  const run = useEditorState(matrixRun);
  if (runs.length === 0) return null;
  const options = [...runs]
    .reverse()
    .map((r) => ({ value: r.run, title: `Run ${r.number}`, help: `${r.name}, ${r.recipe}` }));
  return (
    <div className={styles['field']}>
      <div className={styles['select']}>
        <Select
          label="Run"
          hideLabel
          value={run?.run}
          options={options}
          onChange={(id) => {
            const found = runs.find((r) => r.run === id);
            if (found) editor.set({ compareRun: found.run });
          }}
        />
      </div>
    </div>
  );
}
