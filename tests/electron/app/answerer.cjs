/** Loaded by Electron before the shell (`electron -r`): runs the functions that a test sends over the channel of the process. */
const electron = require('electron');

process.on('message', async (/** @type {{ id: number, code: string, argument: unknown }} */ { id, code, argument }) => {
  /** @param {object} answer */
  const tell = (answer) => process.send?.({ id, ...answer });
  try {
    tell({ value: await (0, eval)(`(${code})`)(electron, argument) });
  } catch (error) {
    tell({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
});
// A test that ends takes its shell with it.
process.on('disconnect', () => electron.app.exit(1));
