// The head every pane has: a title, a word beside it, a way out.
import { h } from './dom.js';
import { icon } from './icons.js';
import { set, remember } from './state.js';

export function paneHead(title, note, back) {
  return h('header', { class: 'pane-head', key: 'head' },
    back ? h('button', { type: 'button', class: 'quiet', 'aria-label': 'Back', onclick: back }, icon('back')) : null,
    h('h2', null, title), note ? h('span', { class: 'pane-note' }, note) : null,
    h('button', { type: 'button', class: 'quiet close', 'aria-label': 'Close ' + title, onclick: () => { set({ pane: '', thread: '' }); remember(); } }, icon('close')));
}
