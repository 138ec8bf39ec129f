// Ctrl or Cmd with K: type a few letters, Enter goes there.
import { h } from './dom.js';
import { icon } from './icons.js';
import { avatar } from './avatar.js';
import { state, go, set, person } from './state.js';
import { write, other } from './sidebar.js';

export function openSwitcher() {
  if (document.querySelector('dialog[open]')) return;
  let at = 0;
  let found = [];
  const list = h('ul', { class: 'switch-list', role: 'listbox', id: 'switch-list', 'aria-label': 'Places' });
  const input = h('input', { class: 'field', type: 'text', role: 'combobox', 'aria-expanded': 'true', 'aria-controls': 'switch-list', 'aria-label': 'Go to', placeholder: 'Go to a channel, a person or a panel', autocomplete: 'off', oninput: () => { at = 0; draw(); } });
  const box = h('dialog', { class: 'switcher', 'aria-label': 'Go to', oncancel: (e) => { e.preventDefault(); shut(); } }, input, list);
  const shut = () => { box.close(); box.remove(); };
  const take = (i) => { shut(); found[i]?.run(); };
  const draw = () => {
    const part = input.value.trim().toLowerCase().replace(/^[#@]/, '');
    found = everywhere().filter((p) => p.name.toLowerCase().includes(part))
      .sort((a, b) => Number(b.name.toLowerCase().startsWith(part)) - Number(a.name.toLowerCase().startsWith(part))).slice(0, 10);
    list.replaceChildren(...found.map((p, i) => h('li', {
      role: 'option', id: 'switch-' + i, 'aria-selected': String(i === at), class: i === at ? 'on' : '', onclick: () => take(i),
    }, p.mark(), h('span', null, p.name), p.note && h('small', null, p.note))));
    input.setAttribute('aria-activedescendant', found.length ? 'switch-' + at : '');
  };
  input.onkeydown = (e) => {
    if (e.key === 'Enter') { e.preventDefault(); take(at); }
    if (e.key !== 'ArrowDown' && e.key !== 'ArrowUp' || !found.length) return;
    e.preventDefault();
    at = (at + (e.key === 'ArrowDown' ? 1 : found.length - 1)) % found.length;
    draw();
  };
  box.addEventListener('click', (e) => { if (e.target === box) shut(); });
  document.body.append(box);
  draw();
  box.showModal();
  input.focus();
}

function everywhere() {
  const channels = state.view.channels.map((c) => ({
    name: c.im ? other(c).name : c.name, note: c.archived ? 'archived' : c.mentions ? `${c.mentions} for you` : c.unread ? 'unread' : '',
    mark: () => (c.im ? avatar(other(c).id, c.name, true) : icon(c.private ? 'lock' : 'hash')), run: () => go(c.id), weight: c.mentions * 100 + c.unread,
  })).sort((a, b) => b.weight - a.weight);
  const met = new Set(state.view.channels.filter((c) => c.im).map((c) => other(c).id));
  const people = state.setup.personas.filter((p) => p.slack !== state.me && !met.has(p.slack))
    .map((p) => ({ name: person(p.slack).name, note: p.title, mark: () => avatar(p.slack, '', true), run: () => write(p.slack) }));
  const panel = (name, pane, mark) => ({ name, note: 'panel', mark: () => icon(mark), run: () => set({ pane, thread: '' }) });
  const has = state.setup.has || {};
  return [...channels, { name: state.setup.title + ' home', note: 'app', mark: () => icon('home'), run: () => go('home') }, ...people,
    ...(has.pagerduty ? [panel('PagerDuty', 'pagerduty', 'pager')] : []), ...(has.github ? [panel('GitHub', 'github', 'issue')] : []), panel('Clock and faults', 'lab', 'clock')];
}
