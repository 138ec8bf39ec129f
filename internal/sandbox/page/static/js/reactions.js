// Reactions under a message; a press adds or takes back your own.
import { h } from './dom.js';
import { glyph } from './emoji.js';
import { icon } from './icons.js';
import { pickEmoji } from './picker.js';
import { post } from './api.js';
import { tell } from './toast.js';
import { state, person } from './state.js';

export function reactions(m) {
  if (!m.reactions?.length) return null;
  return h('div', { class: 'reactions', role: 'group', 'aria-label': 'Reactions' },
    m.reactions.map((r) => {
      const users = r.users || [];
      const mine = users.includes(state.me);
      const who = users.map((id) => person(id).name).join(', ');
      return h('button', { type: 'button', key: r.name, class: 'reaction' + (mine ? ' mine' : ''), 'aria-pressed': String(mine), title: `${who} reacted with :${r.name}:`, 'aria-label': `${r.name.replace(/_/g, ' ')}, ${users.length}: ${who}`, onclick: () => react(m, r.name, !mine) },
        h('span', { class: 'emoji', 'aria-hidden': 'true' }, glyph(r.name) || `:${r.name}:`), h('span', null, r.count || users.length));
    }),
    h('button', { type: 'button', key: 'add', class: 'reaction add', 'aria-label': 'Add a reaction', onclick: (e) => pickEmoji(e.currentTarget, (name) => react(m, name)) }, icon('smile')));
}

export function react(m, name, add) {
  const mine = m.reactions?.some((r) => r.name === name && r.users?.includes(state.me));
  return tell(() => post('react', { user: state.me, channel: state.place, ts: m.ts, emoji: name, add: add ?? !mine }));
}
