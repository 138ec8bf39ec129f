// Who you are, then every place you may see.
import { h, patch } from './dom.js';
import { icon, bell } from './icons.js';
import { avatar } from './avatar.js';
import { state, set, go, me, person } from './state.js';
import { personaMenu } from './personas.js';
import { openSwitcher } from './switcher.js';
import { post } from './api.js';
import { tell } from './toast.js';

export function renderSidebar(root) {
  const v = state.view;
  const part = state.filter.trim().toLowerCase();
  const fits = (c) => !part || c.name.toLowerCase().includes(part) || (c.topic || '').toLowerCase().includes(part);
  const places = v.channels.filter(fits);
  const joined = places.filter((c) => !c.im && !c.archived && c.member);
  const others = places.filter((c) => !c.im && !c.archived && !c.member);
  const direct = places.filter((c) => c.im);
  const archived = places.filter((c) => c.archived && !c.im);
  patch(root,
    h('button', { type: 'button', class: 'persona', id: 'persona', 'aria-haspopup': 'menu', 'aria-label': `You are ${me().name}. Be somebody else`, onclick: (e) => personaMenu(e.currentTarget) },
      avatar(state.me),
      h('span', { class: 'persona-text' }, h('small', null, 'You are'), h('strong', null, me().name), me().title && h('small', { class: 'persona-title' }, me().title)),
      icon('down')),
    h('div', { class: 'find' }, icon('search'),
      h('input', { type: 'search', id: 'filter', placeholder: 'Find a channel', 'aria-label': 'Find a channel', autocomplete: 'off', oninput: (e) => set({ filter: e.target.value }), onkeydown: (e) => { if (e.key === 'Enter' && places[0]) go(places[0].id); } }),
      h('button', { type: 'button', class: 'kbd', 'aria-label': 'Go to… (Ctrl K)', title: 'Ctrl K', onclick: openSwitcher }, 'Ctrl K')),
    h('div', { class: 'places' },
      section('home', '', [h('li', { key: 'home' }, h('button', { type: 'button', class: 'place' + (state.place === 'home' ? ' here' : ''), 'aria-current': state.place === 'home' ? 'page' : undefined, onclick: () => go('home') }, bell(), h('span', { class: 'place-name' }, state.setup.title + ' home')))]),
      section('joined', 'Channels', joined.map(place)),
      section('direct', 'Direct messages', [...direct.map(place), ...(part ? [] : strangers(direct))]),
      others.length > 0 && section('others', 'Not joined', others.map(place)),
      archived.length > 0 && h('details', { key: 'archived', class: 'archived', open: Boolean(part) || archived.some((c) => c.id === state.place) },
        h('summary', null, `Archived (${archived.length})`), h('ul', null, archived.map(place))),
      part && !places.length && h('p', { class: 'none', key: 'none' }, 'No channel fits.')));
}

function section(key, title, items) {
  return h('section', { key, class: 'group' }, title && h('h2', null, title), h('ul', null, items));
}

function place(c) {
  const on = c.id === state.place;
  const marks = [c.mentions ? `${c.mentions} for you` : '', c.unread ? `${c.unread} unread` : ''].filter(Boolean).join(', ');
  return h('li', { key: c.id }, h('button', {
    type: 'button', class: `place${on ? ' here' : ''}${c.unread ? ' unread' : ''}${c.archived ? ' old' : ''}`, 'data-channel': c.id,
    'aria-current': on ? 'page' : undefined, 'aria-label': [c.private && !c.im ? 'private' : '', c.im ? other(c).name : c.name, marks].filter(Boolean).join(', '),
    title: c.name, onclick: () => go(c.id),
  }, c.im ? avatar(other(c).id, c.name, true) : icon(c.private ? 'lock' : 'hash'),
  h('span', { class: 'place-name' }, c.im ? other(c).name : squeezed(c.name)),
  c.mentions ? h('span', { class: 'count' }, c.mentions) : c.unread ? h('span', { class: 'dot' }) : null));
}

// A date inside a room's name is not shown where the width is short.
function squeezed(name) {
  const m = /^(.*?)(-20\d{2}-?\d{2}-?\d{2})(-.+)$/.exec(name);
  return m ? [m[1], h('span', { class: 'squeezed' }, m[2]), m[3]] : name;
}

export function other(c) {
  const id = (c.members || []).find((m) => m !== state.me) || state.me;
  return person(id);
}

// People without a conversation yet: one press opens it.
function strangers(direct) {
  const met = new Set(direct.map((c) => other(c).id));
  const people = state.setup.personas.filter((p) => p.slack !== state.me && !met.has(p.slack));
  const bots = state.view.users.filter((u) => u.bot && !met.has(u.id)).map((u) => ({ slack: u.id, name: person(u.id).name }));
  return [...bots, ...people].slice(0, 8).map((p) => h('li', { key: 'new' + p.slack }, h('button', {
    type: 'button', class: 'place faint', onclick: () => write(p.slack),
  }, avatar(p.slack, p.name, true), h('span', { class: 'place-name' }, p.name))));
}

export function write(id) {
  return tell(async () => go((await post('dm', { user: state.me, other: id })).channel));
}
