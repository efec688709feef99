/** What the service is given by the composition root: the nodes' knowledge as functions, so that it imports no node. */
import type { Diagnostic } from '../base/errors.ts';
import type { Result } from '../base/result.ts';
import type { TaskKind } from '../data/task.ts';
import type { Document, Params } from '../protocol/document.ts';
import type { BankId, ModelId } from '../protocol/ids.ts';
import type { Catalog, TemplateInfo } from '../protocol/api/catalog.ts';
import type { ImportToolkit } from '../workflow/peftImport.ts';

export interface NewSource {
  readonly name: string;
  /** Absolute path of the data that the source is trained on. */
  readonly file: string;
}

/** What a document is made of; paths are absolute and are checked by the caller. */
export interface NewRequest {
  readonly title: string;
  /** The folder that the document will stand in. */
  readonly folder: string;
  /** A model of the store, or the absolute path of a folder. */
  readonly backbone: string;
  readonly home: string;
  readonly data: string;
  readonly evaluation?: string;
  readonly method: string;
  readonly methodParams: Readonly<Record<string, string | number | boolean>>;
  readonly sources: readonly NewSource[];
  readonly text?: readonly string[];
  readonly label?: readonly string[];
  readonly task?: TaskKind;
  readonly training: Params;
  readonly sourceTraining?: Params;
}

export interface NewDocument {
  readonly document: Document;
  /** Why columns and task were taken, in words. */
  readonly reasons: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

/** A shipped template: what `makeTuned` takes, with its data among the sample files. */
export interface Template extends TemplateInfo {
  readonly method: string;
  readonly methodParams: NewRequest['methodParams'];
  readonly training: Params;
  readonly sourceTraining?: Params;
  /** Makes of the document what methods cannot say, such as a second kind of module. */
  readonly adapt?: (document: Document) => Document;
  /** Names of sample files. */
  readonly data: string;
  readonly evaluation?: string;
  readonly sources: readonly NewSource[];
}

export interface ServiceToolkit extends ImportToolkit {
  readonly applyMethod: (
    document: Document,
    model: ModelId,
    method: string,
    params: Readonly<Record<string, unknown>>,
    bank?: BankId,
  ) => Result<Document>;
  readonly catalog: () => Omit<Catalog, 'templates'>;
  /** Makes a document with data, method and training. Throws a `UserError` with everything that does not fit. */
  readonly makeTuned: (request: NewRequest) => Promise<NewDocument>;
  /** The layers of a backbone with a head for two classes and nothing attached. Throws a `UserError`. */
  readonly makeBare: (request: Pick<NewRequest, 'title' | 'folder' | 'backbone' | 'home'>) => Document;
  readonly templates: readonly Template[];
  /** Folder of the shipped sample files. */
  readonly samples: string;
}
