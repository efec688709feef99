/**
 * Running a workflow. Steps run one after the other in the order of what they take; a step whose content address is known
 * in the workspace is not run again. A step's folder is complete when its `result.json` is there, which is written last.
 *
 *   WORKSPACE/steps/train-0123456789abcdef/result.json   what the step gave
 *   WORKSPACE/steps/train-0123456789abcdef/run/          the trainer's own folder
 *   WORKSPACE/run.json                                   the steps of the last run and where they lie
 */
import { createReadStream, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { contentHash } from '../base/canonical.ts';
import { writeFileDurable } from '../base/durable.ts';
import { must, UserError, type Diagnostic } from '../base/errors.ts';
import type { Document } from '../protocol/document.ts';
import { workflowStepKeys } from '../protocol/stepKey.ts';
import { unfoldWorkflow, type StepInstance, type StepInstanceId } from '../protocol/steps.ts';
import type { TrainEvent } from '../trainer/state.ts';
import { openBackbone, type Backbone } from './backbone.ts';
import { paramsOf } from './check.ts';
import { deviceName } from './devices.ts';
import { Interrupted, StepRunner, type StepValues } from './runStep.ts';
import type { LoadedDocument } from './loadDocument.ts';
import * as messages from './messages.ts';
import type { Figures } from './steps/use.ts';
import type { Toolkit } from './toolkit.ts';
