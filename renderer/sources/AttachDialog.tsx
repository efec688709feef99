/** Attaching sources to a model in one go: pick sources, the bank that holds them, and the method that mixes them. */
import { useState } from 'react';
import type { MethodInfo } from '../../engine/protocol/api/catalog.ts';
import type { Document, Scalar } from '../../engine/protocol/document.ts';
import { ok } from '../../engine/base/result.ts';
import type { BankId, ModelId } from '../../engine/protocol/ids.ts';
import type { PlainValue } from '../../engine/protocol/params.ts';
import { ParamField } from '../inspector/ParamField.tsx';
import type { Editor } from '../state/editor.ts';
import { useEditor, useEditorState } from '../state/editor.ts';
import { Button, Callout, Checkbox, Dialog, Select } from '../ui/index.ts';
import { AddSourceMenu } from './AddSourceMenu.tsx';
import {
  addBank,
  addSource,
  artifactWords,
  freshBankId,
  freshSourceName,
  modelsOf,
  originsOf,
  type Origin,
} from './model/banks.ts';
import styles from './sources.module.css';

const NEW = '+';

export function AttachDialog({ onClose }: { readonly onClose: () => void }) {
  const document = useEditorState((s) => s.document);
  const methods = useEditorState((s) => s.catalog?.methods);
  if (document === undefined || methods === undefined) return null;
  return <Wizard document={document} methods={methods.filter((m) => m.bank)} onClose={onClose} />;
}

interface WizardProps {
  readonly document: Document;
  readonly methods: readonly MethodInfo[];
  readonly onClose: () => void;
}

function Wizard({ document, methods, onClose }: WizardProps) {
  const editor = useEditor();
  const place = useEditorState((s) => s.place);
  const banks = Object.keys(document.banks) as BankId[];
  const origins = originsOf(document);
  const models = modelsOf(document);
  const [bank, setBank] = useState<string>(banks[0] ?? NEW);
  const [picked, setPicked] = useState<ReadonlySet<string>>(
    () => new Set(origins.map((o) => artifactWords(o.artifact))),
  );
  const [method, setMethod] = useState(methods.find((m) => m.name === 'scalearn')?.name ?? methods[0]?.name ?? '');
  const [model, setModel] = useState<ModelId | undefined>(place.model ?? models[0]);
  const [params, setParams] = useState<Readonly<Record<string, Scalar>>>({});
  const [problem, setProblem] = useState<string>();
  const [busy, setBusy] = useState(false);
  const info = methods.find((m) => m.name === method);
  const chosen = origins.filter((o) => picked.has(artifactWords(o.artifact)));
  const present = bank === NEW ? [] : (document.banks[bank as BankId]?.sources ?? []);
  const reason =
    info === undefined
      ? 'there is no method that mixes sources'
      : bank === NEW && chosen.length === 0
        ? 'choose sources first'
        : bank !== NEW && present.length === 0
          ? 'the bank is empty'
          : undefined;
  const attach = async (): Promise<void> => {
    if (info === undefined || model === undefined) return;
    setBusy(true);
    setProblem(await attachSources(editor, { document, bank, chosen, model, method: info, params }, onClose));
    setBusy(false);
  };
  return (
    <Dialog
      title="Attach sources to a model"
      open
      onClose={onClose}
      width={620}
      footer={
        <>
          <Button variant="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button variant="primary" disabled={busy} reason={reason} onClick={() => void attach()}>
            {busy ? 'Attaching…' : 'Attach'}
          </Button>
        </>
      }
    >
      <section className={styles['step']} aria-label="Sources">
        <h3 className={styles['stepTitle']}>1 Sources</h3>
        <div className={styles['form']}>
          <Select
            label="Bank"
            inline
            value={bank}
            options={[
              ...banks.map((b) => ({ value: b, title: document.banks[b]?.title ?? b })),
              { value: NEW, title: 'New bank' },
            ]}
            onChange={setBank}
          />
          {bank === NEW ? (
            <PickSources origins={origins} picked={picked} onPick={setPicked} />
          ) : (
            <>
              <p className={styles['quiet']}>
                {present.length === 0 ? 'No source yet.' : `Sources: ${present.map((s) => s.name).join(', ')}.`}
              </p>
              <div>
                <AddSourceMenu bank={bank as BankId} />
              </div>
            </>
          )}
        </div>
      </section>
      <section className={styles['step']} aria-label="Method">
        <h3 className={styles['stepTitle']}>2 Method</h3>
        <div className={styles['form']}>
          <Select
            label="Method"
            inline
            value={method}
            options={methods.map((m) => ({ value: m.name, title: m.title, help: m.help }))}
            onChange={(name) => {
              setMethod(name);
              setParams({});
            }}
          />
          {Object.entries(info?.params ?? {}).map(([name, spec]) => (
            <ParamField
              key={`${method}.${name}`}
              name={name}
              info={spec}
              value={params[name] ?? (spec.default as PlainValue)}
              onChange={(value) => {
                setParams((before) => ({ ...before, [name]: value as Scalar }));
                return undefined;
              }}
            />
          ))}
        </div>
      </section>
      <section aria-label="Model">
        <h3 className={styles['stepTitle']}>3 Model</h3>
        <Select label="Model" inline value={model} options={models} onChange={setModel} />
      </section>
      {problem !== undefined && (
        <div style={{ marginTop: 12 }}>
          <Callout tone="error">{problem}</Callout>
        </div>
      )}
    </Dialog>
  );
}

interface PickProps {
  readonly origins: readonly Origin[];
  readonly picked: ReadonlySet<string>;
  readonly onPick: (picked: ReadonlySet<string>) => void;
}

function PickSources({ origins, picked, onPick }: PickProps) {
  if (origins.length === 0)
    return (
      <p className={styles['quiet']}>
        Nothing in the workflow trains an adapter yet. Add a for-each step that trains sources, or adapter files to a
        bank.
      </p>
    );
  const toggle = (words: string, on: boolean): void => {
    const next = new Set(picked);
    if (on) next.add(words);
    else next.delete(words);
    onPick(next);
  };
  return (
    <div className={styles['choices']} role="group" aria-label="Sources of the new bank">
      {origins.map((o) => {
        const words = artifactWords(o.artifact);
        return (
          <Checkbox key={words} label={o.title} checked={picked.has(words)} onChange={(on) => toggle(words, on)} />
        );
      })}
    </div>
  );
}

interface Choice {
  readonly document: Document;
  readonly bank: string;
  readonly chosen: readonly Origin[];
  readonly model: ModelId;
  readonly method: MethodInfo;
  readonly params: Readonly<Record<string, Scalar>>;
}

/** Makes the bank if it is new, then lets the engine put the method in its place. Gives the words of a refusal. */
async function attachSources(editor: Editor, choice: Choice, done: () => void): Promise<string | undefined> {
  const { document, chosen, model, method, params } = choice;
  const fresh = choice.bank === NEW;
  const bank = fresh ? freshBankId(document) : (choice.bank as BankId);
  if (fresh)
    editor.edit('Make source bank', (before) => {
      let result = addBank(bank)(before);
      for (const o of chosen)
        if (result.ok)
          result = addSource(bank, { name: freshSourceName(result.value, bank, o.name), artifact: o.artifact })(
            result.value,
          );
      return result.ok ? ok(result.value) : result;
    });
  try {
    await editor.settled();
    const { project, revision } = editor.store.getState();
    if (project === undefined) return undefined;
    const proposal = await editor.client.call('project.proposeMethod', {
      project: project.id,
      revision,
      model,
      method: method.name,
      params: { ...params },
      bank,
    });
    if (!editor.applyProposal(`Attach ${method.title}`, proposal.patch))
      return 'The graph changed in the meantime; try again.';
    for (const note of proposal.notes) editor.toast('info', note);
    done();
    return undefined;
  } catch (error) {
    if (fresh) editor.undo();
    return error instanceof Error ? error.message : String(error);
  }
}
