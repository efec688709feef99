/** The icon of each node type and family. */
import {
  BrainCircuit,
  Dumbbell,
  FileOutput,
  PackageOpen,
  Repeat,
  Table2,
  Activity,
  Blend,
  Box,
  CircleDot,
  Combine,
  Crosshair,
  Dices,
  Eraser,
  Flag,
  Focus,
  Gauge,
  GitMerge,
  Grid3x3,
  Layers,
  Leaf,
  Library,
  LogOut,
  Plus,
  Puzzle,
  Scaling,
  SlidersHorizontal,
  Split,
  SquareStack,
  Tags,
  Target,
  TextCursorInput,
  Type,
  Waypoints,
  type LucideIcon,
} from 'lucide-react';

const BY_TYPE: ReadonlyMap<string, LucideIcon> = new Map<string, LucideIcon>([
  ['input.tokens', Type],
  ['input.labels', Tags],
  ['bert.embeddings', SquareStack],
  ['layer.embedding', SquareStack],
  ['layer.linear', Grid3x3],
  ['layer.add', Plus],
  ['layer.norm', SlidersHorizontal],
  ['layer.affine', SlidersHorizontal],
  ['layer.activation', Activity],
  ['layer.dropout', Dices],
  ['layer.attention', Focus],
  ['layer.firstToken', Crosshair],
  ['layer.dropLeading', Eraser],
  ['layer.split3', Split],
  ['source.bank', Library],
  ['peft.fusion', Combine],
  ['peft.scalearn', Scaling],
  ['peft.gate', Gauge],
  ['compose.average', Blend],
  ['output', LogOut],
  ['stack', Layers],
  ['for-each', Repeat],
  ['data.table', Table2],
  ['data.split', Split],
  ['model', BrainCircuit],
  ['train', Dumbbell],
  ['evaluate', Target],
  ['predict', FileOutput],
  ['adapter.file', Puzzle],
  ['export', PackageOpen],
]);
const BY_FAMILY: ReadonlyMap<string, LucideIcon> = new Map<string, LucideIcon>([
  ['input', Type],
  ['layer', Box],
  ['additive', Plus],
  ['selective', CircleDot],
  ['reparameterised', Waypoints],
  ['prompt', TextCursorInput],
  ['composition', GitMerge],
  ['head', Flag],
  ['loss', Target],
  ['custom', Puzzle],
  ['stack', Layers],
]);

export const iconOf = (type: string, family: string): LucideIcon => BY_TYPE.get(type) ?? BY_FAMILY.get(family) ?? Leaf;

export function TypeIcon({
  type,
  family,
  size = 16,
}: {
  readonly type: string;
  readonly family: string;
  readonly size?: number;
}) {
  const Icon = iconOf(type, family);
  return <Icon size={size} aria-hidden />;
}
