/** The window when things break: engine gone and back, page killed, two windows, no session. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { onDisk, useApp, waitForApp } from './harness/index.ts';
import { copySamples } from './samples.ts';

const app = useApp({ prepare: ({ workspace }) => copySamples(workspace) });
const field = (page = app.page) => page.getByRole('textbox', { name: 'Title of the document' });
const FILE = 'first-steps.espalier.json';
const titleOnDisk = (): string => (onDisk(app, FILE) as { title: string }).title;

/** The example is copied once: a file that changes under an open document would be another matter. */
async function open(): Promise<void> {
  const there = existsSync(join(app.workspace, FILE));
  await app.openDocument(there ? FILE : app.example('first-steps'));
  await app.page.locator('[data-step="train"]').waitFor();
}

/** While the engine is away, requests fail, which the browser notes as errors. */
const expectLostConnections = (): void => {
  app.expectProblem(/ERR_CONNECTION_REFUSED|WebSocket|ERR_CONNECTION_RESET|Failed to load resource|ERR_EMPTY_RESPONSE/);
};

afterEach(() => app.page.bringToFront());

it('says that the engine is gone, takes edits meanwhile, and says that it is back with nothing lost [file.engine-lost, file.crash-recovery]', async () => {
  await open();
  expectLostConnections();
  const { page } = app;
  const restarted = app.restartService();
  await page.getByText(/Engine stopped, restarting \(\d+ s\)/).waitFor();
  await field().fill('made while it was away');
  await field().press('Enter');
  await restarted;
  await page.getByText(/Back\. Nothing lost/).waitFor({ timeout: 60_000 });
  await page.getByRole('status', { name: 'Document saved' }).waitFor({ timeout: 60_000 });
  await expect.poll(() => field().inputValue()).toBe('made while it was away');
  await expect.poll(titleOnDisk, { timeout: 30_000 }).toBe('made while it was away');
}, 240_000);

it('has every edit after the page was loaded anew, also those that were on their way [file.page-killed]', async () => {
  await open();
  const { page } = app;
  await page.route('**/api/command', (route) =>
    route.request().postData()?.includes('"project.edit"') === true ? route.abort() : route.continue(),
  );
  expectLostConnections();
  app.expectProblem(/ERR_FAILED|net::/);
  await field().fill('typed just before the end');
  await field().press('Enter');
  await page.getByRole('status', { name: /Document (saving|waiting)/ }).waitFor();
  await page.unroute('**/api/command');
  await app.reload();
  await page.getByText(/One edit of this window/).waitFor();
  await expect.poll(() => field().inputValue()).toBe('typed just before the end');
  await expect.poll(titleOnDisk, { timeout: 30_000 }).toBe('typed just before the end');
}, 120_000);

it('joins two windows on one file: each sees what the other does [file.two-windows]', async () => {
  await open();
  const second = await app.secondWindow();
  await second.goto(`${app.service.origin}/${new URL(app.page.url()).hash}`);
  await second.reload();
  await waitForApp(second);
  await second.locator('[data-step="train"]').waitFor();
  await field().fill('by the first');
  await field().press('Enter');
  await expect.poll(() => field(second).inputValue()).toBe('by the first');
  await field(second).fill('by the second');
  await field(second).press('Enter');
  await expect.poll(() => field().inputValue()).toBe('by the second');
  await second.close();
}, 120_000);

it('tells how to get a session when the address was used before [safety.session]', async () => {
  const { page } = app;
  const context = await page.context().browser()?.newContext();
  if (!context) throw new Error('there is no browser');
  const stranger = await context.newPage();
  await stranger.goto(app.service.origin);
  await stranger.getByText('This page has no session.').waitFor();
  await expect.poll(() => stranger.getByRole('alert').textContent()).toContain('npm start');
  await expect.poll(() => stranger.locator('[data-door]').count()).toBe(0);
  await context.close();
}, 60_000);
