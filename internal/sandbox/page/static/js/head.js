// The head of a channel: name, topic, members, bookmarks, pins.
import { h, patch } from './dom.js';
import { icon, bell } from './icons.js';
import { inline, plain, strip } from './mrkdwn.js';
import { avatar } from './avatar.js';
import { popover } from './popover.js';
import { glyph } from './emoji.js';
import { link, show } from './links.js';
import { state, here, person } from './state.js';
import { other } from './sidebar.js';

export function renderHead(root) {
  if (state.place === 'home') {
    patch(root, h('div', { class: 'head', key: 'home' }, h('h1', null, bell(), state.setup.title + ' home'), h('p', { class: 'topic' }, `What the app shows to ${person(state.me).name} alone`)));
    return;
  }
  const c = here();
  if (!c) { patch(root); return; }
  const pins = c.pins || [];
  const marks = c.bookmarks || [];
  patch(root, h('div', { class: 'head', key: c.id },
    h('h1', null, c.im ? avatar(other(c).id, c.name, true) : icon(c.private ? 'lock' : 'hash'), h('span', { class: 'head-name' }, c.im ? other(c).name : c.name),
      c.archived && h('span', { class: 'tag' }, 'archived'), c.ext_shared && h('span', { class: 'tag' }, 'shared outside')),
    h('p', { class: 'topic', title: strip(c.topic || c.purpose) }, c.topic || c.purpose ? inline(c.topic || c.purpose) : c.im ? other(c).title : ''),
    h('div', { class: 'head-tools' },
      pins.length ? h('button', { type: 'button', class: 'quiet', 'aria-label': `${pins.length} pinned`, 'aria-haspopup': 'dialog', onclick: (e) => popover(e.currentTarget, 'Pinned messages', (box) => pinned(box, c), 'pins') }, icon('pin'), pins.length) : null,
      !c.im && h('button', { type: 'button', class: 'quiet', 'aria-label': `${(c.members || []).length} members`, 'aria-haspopup': 'dialog', onclick: (e) => popover(e.currentTarget, 'Members', (box) => members(box, c), 'members') }, icon('people'), (c.members || []).length))),
  marks.length ? h('ul', { class: 'bookmarks', 'aria-label': 'Bookmarks', key: 'marks' }, marks.map((b) => h('li', { key: b.id }, link(b.link, h('span', null, h('span', { class: 'emoji', 'aria-hidden': 'true' }, glyph((b.emoji || '').replace(/:/g, '')) || '🔖'), ' ', plain(b.title)))))) : null);
}

function members(box, c) {
  box.append(h('h3', null, 'In this channel'), h('ul', null, c.members.map((id) => h('li', null, avatar(id, '', true), h('span', null, person(id).name, person(id).bot ? h('span', { class: 'badge' }, 'APP') : null, person(id).title && h('small', null, person(id).title))))));
}

function pinned(box, c) {
  const list = c.pins.map((ts) => state.view.messages.find((m) => m.ts === ts) || { ts });
  box.append(h('h3', null, 'Pinned'), h('ul', null, list.map((m) => h('li', null, h('button', { type: 'button', class: 'choice', onclick: () => show(c.id, m.ts) },
    m.user ? avatar(m.user, m.bot_name, true) : null, h('span', { class: 'choice-text' }, m.user ? strip(m.text).slice(0, 140) || 'message' : 'an earlier message'))))));
}
