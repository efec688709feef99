/** The list of commands and what is worked out of it: keys, ranking, menus of the shell. */
import { expect, it } from 'vitest';
import { MENUS } from '../../../electron/menuEntries.ts';
import { rank, scoreText } from '../../../renderer/app/fuzzy.ts';
import { bindingsOf, clashes } from '../../../renderer/app/keyboard.ts';
import { COMMAND_GROUPS, type UiCommand } from '../../../renderer/commands/command.ts';
import { UI_COMMANDS } from '../../../renderer/commands/all.ts';

const command = (id: string, title: string, keys?: string): UiCommand => ({
  id,
  title,
  group: 'View',
  ...(keys === undefined ? {} : { keys }),
  run: () => undefined,
});

it('gives every command its own id, a title and a group', () => {
  const ids = UI_COMMANDS.map((c) => c.id);
  expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
  for (const c of UI_COMMANDS) {
    expect(c.id).toMatch(/^[a-z]+(\.[a-zA-Z0-9-]+)+$/);
    expect(c.title).not.toBe('');
    expect(COMMAND_GROUPS).toContain(c.group);
  }
});

it('never gives two commands the same keys', () => {
  for (const [keys, ids] of bindingsOf(UI_COMMANDS, {})) expect(ids, keys).toHaveLength(1);
});

it('has the commands that the menu of the shell names', () => {
  const wanted = MENUS.flatMap((m) => m.lines).flatMap((l) => (typeof l === 'object' ? l.command : []));
  const ids = new Set(UI_COMMANDS.map((c) => c.id));
  expect(wanted.filter((id) => !ids.has(id))).toEqual([]);
});

it('binds keys of the person in place of those a command came with', () => {
  const commands = [command('a', 'A', 'M'), command('b', 'B', 'Ctrl+B'), command('c', 'C')];
  expect([...bindingsOf(commands, { a: 'x', b: '' })]).toEqual([['X', ['a']]]);
  expect(clashes(commands, {}, 'c', 'm')).toEqual(['a']);
  expect(clashes(commands, {}, 'a', 'm')).toEqual([]);
});

it('ranks what fits, the closest first', () => {
  const commands = [
    command('edit.undo', 'Undo'),
    command('view.matrix', 'Model as a matrix of layers and sites'),
    command('run.train', 'Train'),
    command('run.options', 'Train with options: target, seeds, sweep'),
    command('view.whatTrains', 'What trains?'),
  ];
  const ids = (text: string, recent: readonly string[] = []) => rank(commands, text, recent).map((c) => c.id);
  expect(ids('train')).toEqual(['run.train', 'run.options', 'view.whatTrains']);
  expect(ids('matr')).toEqual(['view.matrix']);
  expect(ids('seeds train')).toEqual(['run.options']);
  expect(ids('wt')[0]).toBe('view.whatTrains');
  expect(ids('view.matrix')[0]).toBe('view.matrix');
  expect(ids('xyz')).toEqual([]);
  expect(ids('', ['run.train'])[0]).toBe('run.train');
  expect(ids('tr', ['view.whatTrains']).includes('view.whatTrains')).toBe(true);
});

it('scores a start above the inside of a word, and nothing that lacks a letter', () => {
  const [start = 0, word = 0, inside = 0] = ['undo', 'the undo', 'sundown'].map((t) => scoreText('und', t));
  expect(start).toBeGreaterThan(word);
  expect(word).toBeGreaterThan(inside);
  expect(scoreText('q', 'undo')).toBeUndefined();
});
