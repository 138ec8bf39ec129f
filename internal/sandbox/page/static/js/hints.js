// Three things to try, shown until the visitor puts them away.
import { h, memo } from './dom.js';
import { state, set, keep, kept, remember } from './state.js';
import { icon, bell } from './icons.js';
import { fill } from './composer.js';

export function hints() {
  const list = state.setup.hints || [];
  if (!list.length || kept('hints') === 'away') return null;
  return memo('hints', state.me, () => h('aside', { class: 'hints', 'aria-label': 'Things to try' },
    h('header', null, bell(), h('div', null, h('h2', null, 'Try an incident, from the first alarm to the post-mortem'),
      h('p', null, 'This is a sandbox: nobody is really paged and nothing leaves this machine. You are one of several people: press your name to be another.')),
    h('button', { type: 'button', class: 'quiet', 'aria-label': 'Put these hints away', onclick: () => { keep('hints', 'away'); set({}); } }, icon('close'))),
    h('ol', null, list.map((it) => h('li', null,
      h('button', { type: 'button', class: 'hint-card', onclick: () => act(it) },
        h('strong', null, it.title), h('span', null, it.text), it.type && h('code', null, it.type)))))));
}

function act(it) {
  if (it.pane) { set({ pane: it.pane }); remember(); }
  if (it.type) fill(it.type);
}
