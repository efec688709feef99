/** Linter rules beyond the compiler's: no `any`, no lost promise, no hole in a switch, no construct that types can't erase. */
import eslint from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const unused = { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' };

/** Syntax that the project does without, with the reason that a person then reads. */
const refusedSyntax = [
  {
    selector: 'ExportDefaultDeclaration',
    message: 'Use a named export: a default export has a new name at every import.',
  },
  { selector: 'TSEnumDeclaration', message: 'Use a union of strings, or a const object.' },
  { selector: 'TSModuleDeclaration[kind="namespace"]', message: 'Use a module.' },
  { selector: 'TSParameterProperty', message: 'Declare the field, and assign it in the constructor.' },
];

const refusedInTests = [
  ...refusedSyntax,
  {
    selector: 'MemberExpression[object.name=/^(it|test|describe)$/][property.name=/^(skip|only|todo|fails)$/]',
    message: 'A test runs or is deleted.',
  },
];

export default defineConfig(
  globalIgnores(['node_modules/', 'build/out/', '.cache/']),
  eslint.configs.recommended,
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', unused],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/require-await': 'off', // Interfaces ask for promises that a simple implementation needn't await.
      eqeqeq: 'error',
      'no-restricted-syntax': ['error', ...refusedSyntax],
    },
  },
  { files: ['tests/**/*.ts'], rules: { 'no-restricted-syntax': ['error', ...refusedInTests] } },
  { files: ['vitest.config.ts'], rules: { 'no-restricted-syntax': 'off' } },
  {
    files: ['**/*.js', '**/*.mjs', '**/*.cjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        setTimeout: 'readonly',
        Buffer: 'readonly',
        URL: 'readonly',
        performance: 'readonly',
      },
    },
    rules: { 'no-unused-vars': ['error', unused], eqeqeq: 'error' },
  },
);
