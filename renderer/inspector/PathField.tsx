/** A file beside the document: its name, and a button that brings one there. */
import { FolderOpen } from 'lucide-react';
import { useState } from 'react';
import { IconButton, TextField, type FieldProps } from '../ui/index.ts';
import { useImportFile } from './importFile.ts';
import styles from './inspector.module.css';

interface PathFieldProps extends FieldProps {
  readonly value: string;
  readonly disabled: boolean;
  readonly onTake: (value: string) => void;
}

export function PathField({ value, onTake, disabled, ...field }: PathFieldProps) {
  const importFile = useImportFile();
  const [busy, setBusy] = useState(false);
  const choose = async (): Promise<void> => {
    setBusy(true);
    const file = await importFile().finally(() => setBusy(false));
    if (file !== undefined) onTake(file);
  };
  return (
    <div className={styles['pathRow']}>
      <TextField {...field} value={value} placeholder="none" mono disabled={disabled} onCommit={onTake} />
      <IconButton
        label={`Choose a file for ${field.label.toLowerCase()}`}
        icon={<FolderOpen size={16} />}
        disabled={disabled || busy}
        onClick={() => void choose()}
      />
    </div>
  );
}
