/** The command line. For now it only says how it is used; commands are added by their own files. */

/**
 * Runs one command.
 * @param args the arguments after `espalier`
 * @returns the exit code: 0 done, 1 the user's input is at fault, 2 internal, 130 stopped
 */
export function main(args: readonly string[]): Promise<number> {
  process.stdout.write('usage: espalier run|check|inspect|export|new|models|nodes|predict ...\n');
  return Promise.resolve(args.length === 0 || args[0] === '--help' ? 0 : 1);
}
