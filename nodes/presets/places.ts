/** Places of a layer that modules beside it attach to. */
import { fail, ok, type Result } from '../../engine/base/result.ts';
import { text } from '../../engine/nodekit/params.ts';
import type { Edge } from '../../engine/protocol/document.ts';
import { makeNode, wire, type Entry } from '../backbones/graph.ts';
import { bySite, stackOf, type Place, type PresetEdit } from './rewrite.ts';

export const layersSpec = text('all', 'Which layers: all, 0-3, -2.. (the last two), ...');

/** The node at a site of the stack's body. */
export function siteNode(place: Place, site: string): Result<Entry> {
  const found = bySite(place.body, site);
  return found ? ok(found) : fail(`the layers have no place named "${site}"`);
}

/** The width of the stack's stream, read from its FFN norm. */
export function widthOf(place: Place): number {
  const norm = bySite(place.body, 'norm.ffn');
  return Number(norm?.[1].params['width'] ?? 0);
}

/** The places that a module after the FFN needs. */
export interface FfnPlace {
  readonly place: Place;
  readonly out: string;
  readonly input: string;
  readonly sum: string;
  readonly norm: Entry;
}

export function ffnPlace(edit: PresetEdit): Result<FfnPlace> {
  const place = stackOf(edit.graph);
  if (!place.ok) return place;
  const [drop, sum, norm, input] = ['ffn.drop', 'ffn.add', 'norm.ffn', 'norm.attn'].map((site) =>
    siteNode(place.value, site),
  ) as [Result<Entry>, Result<Entry>, Result<Entry>, Result<Entry>];
  for (const found of [drop, sum, norm, input]) if (!found.ok) return found;
  const id = (r: Result<Entry>): string => (r.ok ? r.value[0] : '');
  return norm.ok ? ok({ place: place.value, out: id(drop), input: id(input), sum: id(sum), norm: norm.value }) : norm;
}

/** z = LN(h + a) with the norm that closes the layer, as AdapterHub feeds Pfeiffer adapters. */
export function adapterInput(at: FfnPlace, prefix: string): { nodes: Entry[]; edges: Edge[] } {
  const affine = `${prefix}_affine`;
  const input = `${prefix}_input`;
  return {
    nodes: [makeNode(affine, 'layer.affine', at.norm[1].params), makeNode(input, 'peft.adapterInput')],
    edges: [
      wire(`${at.out}.y -> ${input}.h`),
      wire(`${at.input}.y -> ${input}.residual`),
      wire(`${affine}.affine -> ${input}.affine`),
    ],
  };
}
