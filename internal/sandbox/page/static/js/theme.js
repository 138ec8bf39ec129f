// Light or dark: what the system prefers, until the visitor says otherwise.
import { keep, kept } from './state.js';

const prefersDark = matchMedia('(prefers-color-scheme: dark)');

export const dark = () => (kept('theme') || (prefersDark.matches ? 'dark' : 'light')) === 'dark';

export function applyTheme() {
  document.documentElement.dataset.theme = dark() ? 'dark' : 'light';
}

export function flipTheme() {
  keep('theme', dark() ? 'light' : 'dark');
  applyTheme();
}

prefersDark.addEventListener('change', applyTheme);
