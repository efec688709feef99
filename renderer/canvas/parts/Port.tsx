/** A port: a hit area of 24 with the shape of its kind drawn in the middle, coloured by kind. */
import { Handle, type Position } from '@xyflow/react';
import { memo } from 'react';
import { kindWords, lookOf } from '../model/kinds.ts';
import type { PlacedPort } from '../model/sceneTypes.ts';
import styles from './port.module.css';

/** React Flow's names of sides are these words. */
const side = (at: PlacedPort['at']): Position => at as Position;

export const portWords = (p: Pick<PlacedPort, 'name' | 'kind' | 'doc' | 'optional'>): string =>
  `${p.name}: ${kindWords(p.kind)}${p.optional ? ', optional' : ''}${p.doc === '' ? '' : `. ${p.doc}`}`;

export const Port = memo(function Port({ port }: { readonly port: PlacedPort }) {
  const look = lookOf(port.kind);
  return (
    <Handle
      id={port.id}
      type={port.type}
      position={side(port.at)}
      className={styles['port'] ?? ''}
      style={{ left: port.x, top: port.y, ['--wire' as string]: `var(${look.colour})` }}
      data-shape={look.shape}
      data-wired={port.wired || undefined}
      data-port={`${port.type === 'source' ? 'from' : 'to'}`}
      title={portWords(port)}
      role="img"
      aria-label={portWords(port)}
    />
  );
});
