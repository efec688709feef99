/** Train with options: another target, several seeds, a small sweep over one parameter. */
import { useState } from 'react';
import { Button, Dialog, NumberField, Select, Switch, TextField } from '../../ui/index.ts';
import { useEditor, useEditorState } from '../../state/editor.ts';
import { startRun, type StartOptions } from '../actions.ts';
import { useDerived } from '../hooks.ts';
import { readSweepValues, seedsFrom, sweepParams } from '../sweep.ts';
import { defaultTarget, targetsOf } from '../trainState.ts';
import { askForNotices, canAskForNotices } from '../runWatch.ts';
import { formatAbout } from '../words.ts';
import { useEstimate } from './EstimateDialog.tsx';
import styles from './dialogs.module.css';

const MOST_RUNS = 100;

export function OptionsDialog({ onClose }: { readonly onClose: () => void }) {
  const editor = useEditor();
  const document = useEditorState((s) => s.viewing?.draft ?? s.document);
  const catalog = useEditorState((s) => s.catalog);
  const targets = useDerived((s) => (s.document ? targetsOf(s.viewing?.draft ?? s.document) : []));
  const [target, setTarget] = useState(() => (document ? defaultTarget(document) : undefined));
  const [name, setName] = useState('');
  const [seeds, setSeeds] = useState(1);
  const [firstSeed, setFirstSeed] = useState(1);
  const [sweeps, setSweeps] = useState(false);
  const [param, setParam] = useState<string>();
  const [values, setValues] = useState('');
  const [notices, setNotices] = useState(canAskForNotices);
  const estimate = useEstimate();

  const params = document ? sweepParams(document, catalog) : [];
  const chosen = params.find((p) => p.param === param) ?? params[0];
  const read = sweeps && chosen ? readSweepValues(values, chosen.info) : undefined;
  const count = seeds * (read?.ok ? read.value.length : 1);
  const problem = sweeps
    ? chosen === undefined
      ? 'There is no parameter to try.'
      : read && !read.ok
        ? read.error
        : count > MOST_RUNS
          ? `${count} runs are too many; at most ${MOST_RUNS} at once.`
          : undefined
    : undefined;
  const start = (): void => {
    const options: StartOptions = {
      ...(target === undefined ? {} : { target }),
      ...(name.trim() === '' ? {} : { name: name.trim() }),
      ...(seeds > 1 ? { seeds: [...seedsFrom(firstSeed, seeds)] } : {}),
      ...(sweeps && chosen && read?.ok ? { sweep: { param: chosen.param, values: [...read.value] } } : {}),
    };
    onClose();
    void startRun(editor, options);
  };
  const time = estimate.value && formatAbout(estimate.value.seconds * count);
  return (
    <Dialog
      title="Train with options"
      open
      onClose={onClose}
      footer={
        <>
          {notices && (
            <Button variant="quiet" onClick={() => void askForNotices().then(() => setNotices(false))}>
              Notify me at the end
            </Button>
          )}
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" reason={problem} onClick={start}>
            {count === 1 ? 'Train' : `Queue ${count} runs`}
          </Button>
        </>
      }
    >
      <div className={styles['form']}>
        <div className={styles['row']}>
          <Select
            label="Target"
            help="The step that is run, with everything that it needs."
            value={target}
            options={targets.map((t) => ({ value: t.step, title: `${t.type}: ${t.title}` }))}
            onChange={setTarget}
          />
          <TextField label="Name" value={name} placeholder="made of the recipe" onChange={setName} />
        </div>
        <div className={styles['row']}>
          <NumberField
            label="Seeds"
            help="The same run with so many seeds; charts show mean and deviation."
            value={seeds}
            min={1}
            max={50}
            integer
            onCommit={setSeeds}
          />
          <NumberField
            label="First seed"
            value={firstSeed}
            min={0}
            max={1_000_000}
            integer
            disabled={seeds === 1}
            onCommit={setFirstSeed}
          />
        </div>
        <div className={styles['section']}>
          <Switch
            label="Sweep over one parameter"
            checked={sweeps}
            onChange={(on) => {
              setSweeps(on);
              setParam((p) => p ?? params[0]?.param);
            }}
          />
          {sweeps && (
            <>
              <Select
                label="Parameter"
                value={chosen?.param}
                options={params.map((p) => ({ value: p.param, title: p.title, help: p.help }))}
                onChange={setParam}
              />
              <TextField
                label="Values"
                value={values}
                placeholder={chosen ? exampleOf(chosen.info) : ''}
                problem={values === '' ? undefined : problem}
                note="With commas between them; one run for each."
                onChange={setValues}
              />
            </>
          )}
        </div>
        <p className={styles['total']} role="status">
          {count === 1 ? '1 run' : `${count} runs, one after the other`}
          {time !== undefined && `, about ${time} in all`}
          {estimate.loading && ', the time is being measured'}
        </p>
      </div>
    </Dialog>
  );
}

const exampleOf = (info: Parameters<typeof readSweepValues>[1]): string => {
  switch (info.kind) {
    case 'int':
    case 'number': {
      const base = info.default === 0 ? 1 : info.default;
      const values = [base / 2, base, base * 2].map((v) => (info.kind === 'int' ? Math.max(1, Math.round(v)) : v));
      return [...new Set(values.map((v) => Number(v.toPrecision(2))))].join(', ');
    }
    case 'choice':
      return info.choices.join(', ');
    case 'bool':
      return 'on, off';
    case 'text':
    case 'path':
    case 'backbone':
    case 'list':
      return '';
  }
};
