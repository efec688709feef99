/**
 * Every named view at three sizes, in both themes, and at 200 %: no parts over each other, nothing cut, nothing too small,
 * no serious finding of axe. The ten pictures under `screens` are made by `ESPALIER_SCREENS=keep`.
 */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../../build/setup.mjs';
import { auditAccess, auditLook } from './harness/audit.ts';
import { node, runCommand, useApp } from './harness/index.ts';
import { openDrawer, smallProject, trainButton, untilTrain } from './training.ts';

const app = useApp();

const SIZES = [
  { width: 1024, height: 700 },
  { width: 1280, height: 800 },
  { width: 1920, height: 1080 },
] as const;
const THEMES = ['light', 'dark'] as const;

interface View {
  readonly name: string;
  readonly show: () => Promise<void>;
}

const command = (id: string) => (): Promise<void> => runCommand(app.page, id);
const views: readonly View[] = [
  { name: 'start', show: async () => undefined },
  {
    name: 'model-canvas',
    show: async () => {
      await app.openDocument(smallProject(app.surroundings, 'look', { train: { maxSteps: 40 } }));
      await app.page.locator('.react-flow__node').first().waitFor();
    },
  },
  {
    name: 'node',
    show: async () => {
      await node(app.page, 'layers/query').click();
    },
  },
  { name: 'matrix', show: () => app.page.locator('[data-region="canvas"]').press('m') },
  { name: 'workflow', show: command('view.workflow') },
  { name: 'data', show: command('data.show') },
  {
    name: 'training',
    show: async () => {
      await trainButton(app.page).click();
      await untilTrain(app.page, ['training', 'finished'], 240_000);
      await openDrawer(app.page, 'Charts');
      await app.page
        .getByRole('group', { name: /^Training loss/ })
        .locator('canvas')
        .waitFor();
    },
  },
  {
    name: 'results',
    show: async () => {
      await untilTrain(app.page, ['finished'], 240_000);
      await runCommand(app.page, 'runs.results');
    },
  },
  { name: 'code', show: command('code.exported') },
  { name: 'settings', show: command('app.settings') },
];

const KEEP = process.env['ESPALIER_SCREENS'] === 'keep';

async function keepScreen(name: string, theme: string): Promise<void> {
  const file = await app.shot(`${name}-${theme}`);
  if (!KEEP || theme !== 'light') return;
  mkdirSync(join(root, 'tests', 'e2e', 'screens'), { recursive: true });
  copyFileSync(file, join(root, 'tests', 'e2e', 'screens', `${name}.png`));
}

/** Settles what moves: fonts, the fitted view, figures that are on their way. */
async function settle(): Promise<void> {
  await app.page.evaluate(async () => {
    await document.fonts.ready;
  });
  await app.page.waitForTimeout(600);
}

/** As a person who looks at this view has it: the inspector open where there is room, the whole graph in sight. */
async function settleFor(name: string): Promise<void> {
  const { page } = app;
  if (name === 'start' || name === 'settings') return;
  if ((await page.locator('[data-region="inspector"]').count()) === 0) await runCommand(page, 'view.inspector');
  if (name === 'results') await page.getByRole('tab', { name: 'Confusion and classes' }).waitFor({ timeout: 60_000 });
  if ((await page.locator('.react-flow').count()) > 0) await runCommand(page, 'canvas.fit');
  await settle();
}

it(
  'ten named views look right at three sizes, in both themes, at 200 %, and to axe ' +
    '[window.sizes, window.themes, window.zoom, window.accessible, window.named-screens, safety.no-foreign-requests]',
  async () => {
    const { page } = app;
    const wrong: string[] = [];
    for (const { name, show } of views) {
      await page.setViewportSize({ width: 1280, height: 800 });
      await show();
      for (const theme of THEMES) {
        await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
        for (const size of SIZES) {
          await page.setViewportSize(size);
          await settle();
          if (size.width === 1280) await settleFor(name);
          const at = `${name} ${theme} ${size.width}x${size.height}`;
          if (size.width === 1280) await keepScreen(name, theme);
          wrong.push(...(await auditLook(page)).map((w) => `${at}: ${w}`));
          if (size.width === 1280) wrong.push(...(await auditAccess(page)).map((w) => `${at}: ${w}`));
        }
      }
      // Twice as large on a window of 1920x1080 is half as many pixels for the page.
      await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
      await page.setViewportSize({ width: 960, height: 540 });
      await settle();
      wrong.push(...(await auditLook(page)).map((w) => `${name} 200 %: ${w}`));
    }
    expect(wrong).toEqual([]);
  },
  900_000,
);
