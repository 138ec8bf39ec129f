// Editing one's own message in place. Enter saves, Escape leaves it as it was.
import { h } from './dom.js';
import { post } from './api.js';
import { tell } from './toast.js';
import { state, set } from './state.js';

export function editor(m) {
  const raw = m.text.replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&amp;/g, '&');
  const box = h('textarea', { class: 'field', rows: 2, 'aria-label': 'Edit message', value: raw });
  const done = () => set({ editing: '' });
  const save = async () => { if (await tell(() => post('edit', { user: state.me, channel: state.place, ts: m.ts, text: box.value }))) done(); };
  box.onkeydown = (e) => {
    if (e.key === 'Escape') { e.preventDefault(); done(); }
    if (e.key === 'Enter' && !e.shiftKey) { e.preventDefault(); save(); }
  };
  requestAnimationFrame(() => { box.focus(); box.setSelectionRange(raw.length, raw.length); });
  return h('div', { class: 'editor', 'data-own': true }, box,
    h('div', { class: 'ask-row' }, h('button', { type: 'button', class: 'btn', onclick: done }, 'Cancel'), h('button', { type: 'button', class: 'btn primary', onclick: save }, 'Save')));
}
