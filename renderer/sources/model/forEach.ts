/** For-each containers: one body, a table of items, and what each item sets on the steps of the body. */
import { fail, ok, type Result } from '../../../engine/base/result.ts';
import type { StepTypeInfo } from '../../../engine/protocol/api/catalog.ts';
import type { Document, ForEachItem, ParamValue, Params, WorkflowNode } from '../../../engine/protocol/document.ts';
import { nodeAt, replaceNode, type EditResult, type NodeAddress } from '../../../engine/protocol/edit.ts';
import {
  entriesOf,
  IDENTIFIER_RULE,
  isIdentifier,
  recordOf,
  withEntry,
  withoutEntry,
  type NodeId,
} from '../../../engine/protocol/ids.ts';

export type Edit = (document: Document) => EditResult;

const refused = (message: string, fix: string): EditResult =>
  fail([{ code: 'for-each-refused', severity: 'warning', where: {}, message, fix }]);

/** A column of the table: one parameter of one step of the body. */
export interface ItemColumn {
  readonly node: NodeId;
  readonly param: string;
}

/** The columns that items set, and for data steps always file, text and label, since items nearly always differ in them. */
export function columnsOf(step: WorkflowNode, stepTypes: readonly StepTypeInfo[]): readonly ItemColumn[] {
  const columns: ItemColumn[] = [];
  for (const [node, inner] of entriesOf<NodeId, WorkflowNode>(step.body?.nodes ?? recordOf([]))) {
    const info = stepTypes.find((t) => t.type === inner.type);
    const set = new Set((step.items ?? []).flatMap((item) => Object.keys(item.set[node] ?? {})));
    const wanted = inner.type === 'data.table' ? ['file', 'text', 'label', ...set] : [...set];
    const order = Object.keys(info?.params ?? {});
    const names = [...new Set(wanted)].sort((a, b) => order.indexOf(a) - order.indexOf(b));
    columns.push(...names.map((param) => ({ node, param })));
  }
  return columns;
}

/** Parameters of the body that are no column yet. */
export function otherColumns(step: WorkflowNode, stepTypes: readonly StepTypeInfo[]): readonly ItemColumn[] {
  const shown = new Set(columnsOf(step, stepTypes).map((c) => `${c.node}.${c.param}`));
  return entriesOf<NodeId, WorkflowNode>(step.body?.nodes ?? recordOf([])).flatMap(([node, inner]) =>
    Object.keys(stepTypes.find((t) => t.type === inner.type)?.params ?? {})
      .filter((param) => !shown.has(`${node}.${param}`))
      .map((param) => ({ node, param })),
  );
}

/** The value of a cell: the item's own, or what the step of the body says. */
export function itemValue(
  step: WorkflowNode,
  item: ForEachItem,
  { node, param }: ItemColumn,
): { readonly value: ParamValue | undefined; readonly own: boolean } {
  const own = item.set[node]?.[param];
  return own === undefined ? { value: step.body?.nodes[node]?.params[param], own: false } : { value: own, own: true };
}

const withItems =
  (at: NodeAddress, change: (items: readonly ForEachItem[]) => readonly ForEachItem[]): Edit =>
  (document) => {
    const step = nodeAt(document, at) as WorkflowNode | undefined;
    if (step?.body === undefined) return refused(`"${at.node}" is no for-each step.`, 'Select a for-each step.');
    return ok(replaceNode(document, at, { ...step, items: change(step.items ?? []) }));
  };

const itemsAt = (document: Document, at: NodeAddress): readonly ForEachItem[] =>
  (nodeAt(document, at) as WorkflowNode | undefined)?.items ?? [];

export function itemName(document: Document, at: NodeAddress, name: string, now?: string): Result<string> {
  if (!isIdentifier(name)) return fail(`Use ${IDENTIFIER_RULE}.`);
  const taken = itemsAt(document, at).some((i) => i.name === name && i.name !== now);
  return taken ? fail(`There is an item "${name}" already.`) : ok(name);
}

function freshName(items: readonly ForEachItem[], base: string): string {
  const names = new Set(items.map((i) => i.name));
  let name = base;
  for (let i = 2; names.has(name); i++) name = `${base.replace(/_\d+$/, '')}_${i}`;
  return name;
}

export const addItem = (at: NodeAddress): Edit =>
  withItems(at, (items) => [...items, { name: freshName(items, `item_${items.length + 1}`), set: recordOf([]) }]);

export const duplicateItem = (at: NodeAddress, name: string): Edit =>
  withItems(at, (items) =>
    items.flatMap((item) => (item.name === name ? [item, { ...item, name: freshName(items, name) }] : [item])),
  );

/** Removes an item; a bank that takes its artifact keeps the row and shows the problem. */
export const removeItem = (at: NodeAddress, name: string): Edit =>
  withItems(at, (items) => items.filter((i) => i.name !== name));

export const moveItem = (at: NodeAddress, name: string, by: number): Edit =>
  withItems(at, (items) => {
    const from = items.findIndex((i) => i.name === name);
    const moved = items[from];
    const to = Math.min(items.length - 1, Math.max(0, from + by));
    if (moved === undefined || from === to) return items;
    const rest = items.filter((i) => i !== moved);
    return [...rest.slice(0, to), moved, ...rest.slice(to)];
  });

export const muteItem = (at: NodeAddress, name: string, mute: boolean): Edit =>
  withItems(at, (items) =>
    items.map((item) => {
      if (item.name !== name) return item;
      const { mute: _before, ...rest } = item;
      return mute ? { ...rest, mute: true } : rest;
    }),
  );

/** Renames an item, and the rows of banks that take its artifact. */
export const renameItem =
  (at: NodeAddress, name: string, to: string): Edit =>
  (document) => {
    const next = itemName(document, at, to, name);
    if (!next.ok) return refused(next.error, 'Choose another name.');
    const renamed = withItems(at, (items) => items.map((i) => (i.name === name ? { ...i, name: to } : i)))(document);
    if (!renamed.ok || at.graph.path.length > 0) return renamed;
    const banks = recordOf(
      entriesOf(renamed.value.banks).map(
        ([id, bank]) =>
          [
            id,
            {
              ...bank,
              sources: bank.sources.map((s) =>
                'step' in s.artifact && s.artifact.step === at.node && s.artifact.item === name
                  ? { ...s, artifact: { ...s.artifact, item: to } }
                  : s,
              ),
            },
          ] as const,
      ),
    );
    return ok({ ...renamed.value, banks });
  };

/** Sets a parameter for one item; `undefined` lets the body's own value hold. */
export const setItemValue = (
  at: NodeAddress,
  name: string,
  { node, param }: ItemColumn,
  value: ParamValue | undefined,
): Edit =>
  withItems(at, (items) =>
    items.map((item) => {
      if (item.name !== name) return item;
      const before: Params = item.set[node] ?? recordOf([]);
      const params = value === undefined ? withoutEntry(before, param) : withEntry(before, param, value);
      const set =
        Object.keys(params).length === 0
          ? withoutEntry(item.set, node)
          : withEntry<NodeId, Params>(item.set, node, params);
      return { ...item, set };
    }),
  );
