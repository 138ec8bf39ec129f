// Faces are initials on one of twelve calm colours; the app wears the bell.
import { h, hash } from './dom.js';
import { bell } from './icons.js';
import { person } from './state.js';

export function avatar(id, botName, small) {
  const p = person(id);
  const size = small ? ' small' : '';
  if (p.bot || (!id && botName)) return h('span', { class: 'avatar app' + size, 'aria-hidden': 'true' }, bell());
  const name = p.name || botName || '?';
  const letters = name.split(/[\s._-]+/).filter(Boolean).slice(0, 2).map((w) => w[0].toUpperCase()).join('');
  return h('span', { class: `avatar tone${hash(id || name) % 12}${size}`, 'aria-hidden': 'true' }, letters || '?');
}
