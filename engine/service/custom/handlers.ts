/**
 * Commands about custom nodes. A source runs when the person asks for it by trying or saving what is in the editor, or has
 * allowed its hash before; a source that merely lies in the folder is listed and shown, never run.
 */
import { join } from 'node:path';
import { UserError } from '../../base/errors.ts';
import type { CustomNode } from '../../protocol/api/custom.ts';
import { CUSTOM_FOLDER, CUSTOM_NAME, CustomNodes, FRESH_MILLISECONDS, sourceHash } from '../../sandbox/customNodes.ts';
import * as messages from '../../sandbox/messages.ts';
import { nodeApiTypes, TEMPLATE } from '../../sandbox/nodeApi.ts';
import { nodeInfo } from '../../sandbox/nodeInfo.ts';
import type { Handlers, ServiceContext } from '../context.ts';
import { createDrafts } from './drafts.ts';
import { revivePatch } from './revive.ts';
import { createTrials, type TryNode } from './trials.ts';

const refused = (name: string, problem: messages.NodeProblem): UserError =>
  new UserError(messages.diagnosticOf(`${name}.ts`, problem));

/** @param tryNode how a source is tried; by default in a process of its own */
export function customHandlers(context: ServiceContext, tryNode?: TryNode): Handlers<'custom.'> {
  const { settings, workspace, home, entry, projects, checks, toolkit, emit } = context;
  const custom = new CustomNodes({
    folder: join(workspace.folder, CUSTOM_FOLDER),
    trusted: () => settings.get().trusted,
  });
  context.closing.addEventListener('abort', () => custom.close());
  const drafts = createDrafts(home, workspace.folder);
  const attempt = tryNode ?? createTrials(entry, workspace.folder, home);

  const stored = (name: string): CustomNode => {
    const found = custom.list().find((s) => s.name === name);
    if (!found) throw refused(name, messages.noSuchNode(name, CUSTOM_FOLDER));
    const { source, hash, trusted } = found;
    const loaded = trusted ? custom.load(name, source) : undefined;
    return {
      name,
      source,
      hash,
      trusted,
      ...(loaded?.ok === true ? { info: nodeInfo(loaded.value) } : {}),
      diagnostics: loaded?.ok === false ? loaded.error.map((p) => messages.diagnosticOf(`${name}.ts`, p)) : [],
    };
  };
  const trust = (hash: string): void => {
    const { trusted } = settings.get();
    if (!trusted.includes(hash)) settings.set({ trusted: [...trusted, hash] });
  };
  /** After a change of what nodes there are: palette, documents and checks follow. */
  const changed = async (key: string): Promise<void> => {
    custom.refresh();
    // The registries of this and other processes look again after so long.
    await new Promise((resolve) => setTimeout(resolve, 2 * FRESH_MILLISECONDS));
    emit({ event: 'catalog' });
    for (const project of projects.all()) {
      const patch = revivePatch(project.document, (type) => toolkit.registry.get(type) !== undefined);
      if (patch.length > 0) project.edit(project.revision, patch, 'Read nodes that are known now', `custom.${key}`);
    }
    checks.forgetModels();
  };
  const named = (name: string): void => {
    if (!CUSTOM_NAME.test(name)) throw refused(name, messages.badName(name));
  };

  return {
    'custom.list': () => custom.list().map((s) => stored(s.name)),
    'custom.types': () => ({ files: nodeApiTypes(), template: TEMPLATE }),
    'custom.try': async ({ name, source, params }) => {
      named(name);
      const hash = sourceHash(source);
      const kept = custom.list().find((s) => s.hash === hash);
      // What somebody else wrote and nobody has read is not run by a click on "Try".
      if (kept && !kept.trusted) throw refused(name, messages.runsUntrusted());
      const trusted = kept?.trusted ?? settings.get().trusted.includes(hash);
      return { name, source, hash, trusted, ...(await attempt({ name, source, params })) };
    },
    'custom.save': async ({ name, source }, { key }) => {
      named(name);
      const hash = sourceHash(source);
      const kept = custom.list().find((s) => s.hash === hash);
      if (kept && !kept.trusted) throw refused(name, messages.runsUntrusted());
      const tried = await attempt({ name, source, params: {} });
      custom.save(name, source);
      // The person has just written it; a node that does not work yet is kept too, with its diagnostics.
      trust(hash);
      await changed(key);
      return { name, source, hash, trusted: true, ...tried };
    },
    'custom.drafts': () => drafts.all(),
    'custom.draft': ({ name, source }) => {
      named(name);
      drafts.keep(name, source);
      return {};
    },
    'custom.remove': async ({ name }, { key }) => {
      named(name);
      stored(name);
      custom.remove(name);
      await changed(key);
      return {};
    },
    'custom.trust': async ({ name, hash }, { key }) => {
      named(name);
      const found = stored(name);
      if (found.hash !== hash) throw refused(name, messages.otherHash(found.hash));
      trust(hash);
      await changed(key);
      return stored(name);
    },
  };
}
