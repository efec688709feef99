/** The entry of the page. */
import { createRoot } from 'react-dom/client';
import { App } from './app/App.tsx';
import { applyFirstLook } from './app/theme.ts';
import { installPolicy } from './app/trustedTypes.ts';
import { watchModality } from './ui/modality.ts';
import './ui/base.css';

installPolicy();
applyFirstLook();
watchModality(document.documentElement);

const root = document.getElementById('root');
if (root) createRoot(root).render(<App />);
