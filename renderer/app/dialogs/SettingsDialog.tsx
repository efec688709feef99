/** Settings of the app. Each change is kept at once. */
import { useCommands } from '../../commands/runner.ts';
import { useEditor, useEditorState } from '../../state/editor.ts';
import { Button, Dialog, NumberField, Segmented, Select, Spinner, TextField } from '../../ui/index.ts';
import { changeSettings } from '../settings.ts';
import type { OverlayProps } from './Dialogs.tsx';
import styles from './forms.module.css';

const ZOOMS = ['0.8', '0.9', '1', '1.1', '1.25', '1.5', '1.75', '2'] as const;

export function SettingsDialog({ onClose }: OverlayProps) {
  const editor = useEditor();
  const runner = useCommands();
  const settings = useEditorState((s) => s.settings);
  const info = useEditorState((s) => s.info);
  const change = (next: Parameters<typeof changeSettings>[1]): void => void changeSettings(editor, next);
  const zooms = settings && !ZOOMS.some((z) => Number(z) === settings.zoom) ? [...ZOOMS, String(settings.zoom)] : ZOOMS;
  return (
    <Dialog title="Settings" open onClose={onClose} width={560}>
      {!settings || !info ? (
        <Spinner />
      ) : (
        <div className={styles['form']}>
          <section className={styles['section']} aria-label="Look">
            <h3 className={styles['sectionTitle']}>Look</h3>
            <div className={styles['row']}>
              <span>Theme</span>
              <Segmented
                label="Theme"
                value={settings.theme}
                options={[
                  { value: 'system', title: 'System' },
                  { value: 'light', title: 'Light' },
                  { value: 'dark', title: 'Dark' },
                ]}
                onChange={(theme) => change({ theme })}
              />
            </div>
            <Select
              inline
              label="Size of the interface"
              value={String(settings.zoom)}
              options={zooms.map((z) => ({ value: z, title: `${Math.round(Number(z) * 100)} %` }))}
              onChange={(zoom) => change({ zoom: Number(zoom) })}
            />
          </section>
          <section className={styles['section']} aria-label="Training">
            <h3 className={styles['sectionTitle']}>Training</h3>
            <NumberField
              inline
              label="Threads of a run"
              value={settings.threads}
              min={0}
              max={1024}
              integer
              note={`0: as many as the machine has cores (${info.cores}). A run goes at low priority in any case.`}
              onCommit={(threads) => change({ threads })}
            />
          </section>
          <section className={styles['section']} aria-label="Downloads">
            <h3 className={styles['sectionTitle']}>Downloads</h3>
            <TextField
              inline
              label="Address of the model hub"
              type="url"
              value={settings.hubAddress}
              note="Models are fetched from here, and only when you ask for one."
              onCommit={(hubAddress) => change({ hubAddress })}
            />
          </section>
          <section className={styles['section']} aria-label="More">
            <h3 className={styles['sectionTitle']}>More</h3>
            <div className={styles['buttons']}>
              {['help.bindings', 'app.models', 'app.disk', 'help.report'].map((id) => (
                <Button key={id} onClick={() => runner.run(id)}>
                  {runner.find(id)?.title}
                </Button>
              ))}
            </div>
            {settings.trusted.length > 0 && (
              <div className={styles['row']}>
                <span>{`${settings.trusted.length} custom nodes may run`}</span>
                <Button variant="quiet" onClick={() => change({ trusted: [] })}>
                  Ask again for each
                </Button>
              </div>
            )}
          </section>
          <p
            className={styles['about']}
          >{`Espalier ${info.version}, ${info.cores} cores, ${info.devices.join(', ')}`}</p>
        </div>
      )}
    </Dialog>
  );
}
