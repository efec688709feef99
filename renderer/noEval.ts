/**
 * Imported before everything else: schemas are checked without code made at run time, which the page's content security
 * policy forbids. The library asks once, when the first schema is made, and a try would already be a violation.
 */
import { config } from 'zod';

config({ jitless: true });
