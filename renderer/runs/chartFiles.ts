/** The curves as files: all points as csv, and what is on the screen as one picture. */
import type { Editor } from '../state/editor.ts';
import { drawnRuns, linesOf } from './chartModel.ts';
import { saveBlob, saveText } from './save.ts';
import { figuresOf } from './series.ts';
import { csvText, fileName } from './tables.ts';
import { runTitle } from './words.ts';

type Cell = string | number | null;

export function saveChartsCsv(editor: Editor): void {
  const s = editor.store.getState();
  const drawn = drawnRuns(s).flatMap((d) => d.runs);
  const rows: Cell[][] = [];
  const figures = figuresOf(drawn.map((r) => editor.runData.curve(r.run)));
  for (const run of drawn) {
    for (const [at, part] of editor.runData.curve(run.run).parts) {
      const { steps, evaluations } = part;
      steps.step.forEach((step, i) =>
        rows.push([
          runTitle(run),
          at,
          'step',
          step,
          steps.epoch[i] ?? null,
          steps.examples[i] ?? null,
          steps.seconds[i] ?? null,
          steps.loss[i] ?? null,
          steps.rate[i] ?? null,
          steps.gradientNorm[i] ?? null,
          steps.examplesPerSecond[i] ?? null,
          steps.rssBytes[i] ?? null,
          ...figures.map((f) => (f.id.startsWith('tap:') ? (steps.taps.get(f.id.slice(4))?.[i] ?? null) : null)),
        ]),
      );
      for (const e of evaluations)
        rows.push([
          runTitle(run),
          at,
          'evaluation',
          e.step,
          e.epoch,
          null,
          e.seconds,
          e.loss,
          null,
          null,
          null,
          null,
          ...figures.map((f) => (f.id.startsWith('metric:') ? (e.metrics[f.id.slice(7)] ?? null) : null)),
        ]);
    }
  }
  const own = ['run', 'at', 'kind', 'step', 'epoch', 'examples', 'seconds', 'loss', 'learning_rate', 'gradient_norm'];
  const more = ['examples_per_second', 'rss_bytes', ...figures.map((f) => f.id)];
  const named = figures.map((f) => f.id.startsWith('tap:') || f.id.startsWith('metric:'));
  const keep = (_: unknown, i: number): boolean => i < 12 || named[i - 12] === true;
  const head = [...own, ...more].filter(keep);
  saveText(
    csvText(
      head,
      rows.map((r) => r.filter(keep)),
    ),
    fileName(`curves ${drawn.map((r) => r.number).join('-')}`, 'csv'),
  );
}

const GAP = 16;
const TITLE = 24;

/** Draws the charts that are on the page below each other, with titles and a line for each run. */
export function saveChartsPicture(editor: Editor): void {
  const s = editor.store.getState();
  const charts = [...document.querySelectorAll<HTMLElement>('[data-chart]')].flatMap((card) => {
    const canvas = card.querySelector('canvas');
    return canvas ? [{ title: card.dataset['chart'] ?? '', canvas }] : [];
  });
  const [first] = charts;
  if (!first) return editor.toast('info', 'No chart is drawn yet.');
  const scale = first.canvas.width / Math.max(1, first.canvas.clientWidth);
  const columns = charts.length > 3 ? 2 : 1;
  const width = Math.max(...charts.map((c) => c.canvas.width));
  const height = Math.max(...charts.map((c) => c.canvas.height));
  const cell = { width: width + GAP * scale, height: height + (GAP + TITLE) * scale };
  const drawn = drawnRuns(s);
  const head = (drawn.length * 20 + GAP) * scale;
  const picture = document.createElement('canvas');
  picture.width = columns * cell.width + GAP * scale;
  picture.height = head + Math.ceil(charts.length / columns) * cell.height + GAP * scale;
  const context = picture.getContext('2d');
  if (!context) return;
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  context.fillStyle = colour('--surface');
  context.fillRect(0, 0, picture.width, picture.height);
  context.font = `600 ${13 * scale}px ${colour('--font') || 'sans-serif'}`;
  context.textBaseline = 'top';
  drawn.forEach((d, i) => {
    context.fillStyle = colour(d.colour);
    context.fillRect(GAP * scale, (GAP + i * 20 + 5) * scale, 16 * scale, 3 * scale);
    context.fillStyle = colour('--text');
    context.fillText(d.title, (GAP + 24) * scale, (GAP + i * 20) * scale);
  });
  charts.forEach(({ title, canvas }, i) => {
    const x = GAP * scale + (i % columns) * cell.width;
    const y = head + GAP * scale + Math.floor(i / columns) * cell.height;
    context.fillStyle = colour('--text');
    context.fillText(title, x, y);
    context.drawImage(canvas, x, y + TITLE * scale);
  });
  picture.toBlob((blob) => {
    if (blob) saveBlob(blob, fileName(`charts ${drawn.flatMap((d) => d.runs.map((r) => r.number)).join('-')}`, 'png'));
  }, 'image/png');
}

/** The last value of each curve, for the table that stands for the pictures. */
export function lastValues(editor: Editor): readonly { figure: string; values: readonly (number | null)[] }[] {
  const s = editor.store.getState();
  const drawn = drawnRuns(s);
  const curves = drawn.flatMap((d) => d.runs.map((r) => editor.runData.curve(r.run)));
  return figuresOf(curves).map((figure) => ({
    figure: figure.title,
    values: drawn.map((d) => {
      const [line] = linesOf([d], (run) => editor.runData.curve(run), figure.id, s.runsView.x);
      return line?.line.y.findLast((v) => v !== null) ?? null;
    }),
  }));
}
