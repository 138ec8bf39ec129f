// One message: face, name, time, blocks or text, reactions, thread, and what can be
// done with it.
import { h, hash } from './dom.js';
import { avatar } from './avatar.js';
import { blocks } from './blocks.js';
import { mrkdwn, inline } from './mrkdwn.js';
import { files } from './files.js';
import { reactions } from './reactions.js';
import { pickEmoji } from './picker.js';
import { messageMenu } from './messagemenu.js';
import { stamp, ms, ago } from './time.js';
import { icon } from './icons.js';
import { state, set, person, here, now } from './state.js';
import { editor } from './editor.js';
import { quiet } from './messages.js';
import { react } from './reactions.js';

// signature changes when the message has to be drawn again.
export function signature(m, joined) {
  return [state.me, joined, m.edited, m.text, m.reply_count, pinned(m), state.editing === m.ts, state.thread === m.ts,
    state.view.users.length, names(m), JSON.stringify(m.reactions), hash(JSON.stringify(m.blocks) || ''), (m.files || []).length].join('|');
}

// A channel named in a message may become known later.
const names = (m) => (m.text?.includes('<#') ? state.view.channels.length : 0);

const pinned = (m) => Boolean(here()?.pins?.includes(m.ts));

export function message(m, o) {
  if (quiet(m)) return small(m);
  const who = person(m.user);
  const name = m.bot_name || who.name;
  const app = who.bot || Boolean(m.bot_name);
  const cls = ['msg', o.joined && 'joined', m.ephemeral && 'ephemeral', pinned(m) && 'pinned', state.thread === m.ts && !o.inThread && 'threaded', app && 'from-app'].filter(Boolean).join(' ');
  return h('article', { class: cls, 'data-ts': m.ts, 'aria-label': `${name}`, tabindex: '-1' },
    o.joined ? h('span', { class: 'gutter' }, stamp(ms(m.ts))) : avatar(m.user, m.bot_name),
    h('div', { class: 'msg-main' },
      m.ephemeral && h('p', { class: 'only-you' }, icon('eye'), 'Only visible to you'),
      pinned(m) && !o.inThread && h('p', { class: 'pin-note' }, icon('pin'), 'Pinned'),
      !o.joined && h('p', { class: 'msg-head' }, h('strong', { class: 'who' }, name), app && h('span', { class: 'badge' }, 'APP'), stamp(ms(m.ts))),
      state.editing === m.ts ? editor(m) : body(m),
      files(m.files),
      reactions(m),
      !o.inThread && m.reply_count > 0 && thread(m)),
    state.editing === m.ts ? null : tools(m, o));
}

function body(m) {
  const edited = m.edited ? h('span', { class: 'edited' }, ' (edited)') : null;
  if (Array.isArray(m.blocks) && m.blocks.length) {
    return h('div', { class: 'blocks' }, blocks(m.blocks, { channel: state.place, ts: m.ts }), edited);
  }
  return h('div', { class: 'text' }, mrkdwn(m.text), edited);
}

function small(m) {
  return h('p', { class: 'aside', 'data-ts': m.ts }, avatar(m.user, m.bot_name, true), h('span', null, h('strong', null, person(m.user).name), ' ', inline(plainly(m))), stamp(ms(m.ts)));
}

// Slack's own sentences start with the person's name; the page has said it already.
function plainly(m) {
  return (m.text || (m.subtype || '').replace(/_/g, ' ')).replace(/^<@[^>]+>\s*/, '');
}

function thread(m) {
  const replies = state.view.messages.filter((r) => r.thread_ts === m.ts && r.ts !== m.ts);
  const who = [...new Set(replies.map((r) => r.user))].slice(0, 4);
  const last = replies.at(-1);
  return h('button', { type: 'button', class: 'replies', onclick: () => openThread(m.ts) },
    h('span', { class: 'faces' }, who.map((id) => avatar(id, '', true))),
    h('span', { class: 'replies-count' }, m.reply_count === 1 ? '1 reply' : `${m.reply_count} replies`),
    last && h('small', null, 'last reply ' + ago(ms(last.ts), now())));
}

export const openThread = (ts) => set({ pane: 'thread', thread: ts, drawer: '' });

function tools(m, o) {
  if (here()?.archived) return null;
  return h('div', { class: 'tools', role: 'toolbar', 'aria-label': 'Message actions' },
    !m.ephemeral && h('button', { type: 'button', class: 'quiet', 'aria-label': 'Add a reaction', title: 'Add a reaction', onclick: (e) => pickEmoji(e.currentTarget, (name) => react(m, name)) }, icon('smile')),
    !m.ephemeral && !o.inThread && h('button', { type: 'button', class: 'quiet', 'aria-label': 'Reply in thread', title: 'Reply in thread', onclick: () => openThread(m.thread_ts || m.ts) }, icon('reply')),
    h('button', { type: 'button', class: 'quiet', 'aria-label': 'More for this message', title: 'More', 'aria-haspopup': 'menu', onclick: (e) => messageMenu(e.currentTarget, m) }, icon('more')));
}
