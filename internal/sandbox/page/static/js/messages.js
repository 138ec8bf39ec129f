// The list of messages: grouped by author, parted by day, only the newest ones
// drawn. It stays at the bottom if you were there and never jumps if you were not.
import { h, patch, memo } from './dom.js';
import { state, set, here, now, refresh } from './state.js';
import { message, signature } from './message.js';
import { ms, day, dayKey } from './time.js';
import { icon } from './icons.js';
import { hints } from './hints.js';
import { post } from './api.js';
import { other } from './sidebar.js';

const groupGap = 5 * 60e3; // milliseconds between messages that share a head

let place = '';
let newest = '';
let readTo = '';
let mark = ''; // ts after which everything was unread on arrival

export function renderMessages(root) {
  const c = here();
  // The answer at hand may still be another channel's, or another person's.
  if (!c || state.view.place !== state.place || state.view.who !== state.me) return;
  const arrived = place !== state.me + c.id || !root.querySelector('.tape');
  const list = state.view.messages.filter((m) => !m.thread_ts || m.thread_ts === m.ts || m.subtype === 'thread_broadcast');
  const low = arrived || near(root);
  const before = root.scrollHeight;
  const grew = !arrived && list.length && root.oldest && list[0].ts < root.oldest;
  const mine = !arrived && list.at(-1)?.user === state.me && list.at(-1)?.ts > newest;
  if (arrived) mark = c.unread && list.length > c.unread ? list[list.length - c.unread - 1].ts : '';
  patch(root, h('div', { class: 'tape', key: 'tape-' + c.id, 'data-place': c.id }, start(c), rows(list), h('div', { key: 'end', class: 'tape-end' })), jump(root));
  root.oldest = list[0]?.ts;
  if (low || mine) bottom(root);
  else if (grew) root.scrollTop += root.scrollHeight - before;
  const last = list.at(-1)?.ts || '';
  root.classList.toggle('behind', !low && !mine && (last > newest ? true : root.classList.contains('behind')));
  newest = last;
  place = state.me + c.id;
  if (!root.watched) watchScroll(root);
  seen(c);
}

function start(c) {
  const more = state.view.messages.length >= state.limit;
  return [
    more ? h('button', { key: 'earlier', type: 'button', class: 'btn earlier', onclick: () => { set({ limit: state.limit + 200 }); refresh('slack'); } }, 'Load earlier messages')
      : h('div', { key: 'start', class: 'tape-start' }, h('span', { class: 'start-mark' }, icon(c.private ? 'lock' : c.im ? 'reply' : 'hash')), h('h2', null, c.im ? other(c).name : c.name), h('p', null, c.im ? 'This conversation is between the two of you.' : c.purpose || `This is the beginning of #${c.name}.`)),
    c.im ? null : hints(),
  ];
}

function rows(list) {
  const out = [];
  let before = null;
  const today = now();
  for (const m of list) {
    const t = ms(m.ts);
    if (!before || dayKey(ms(before.ts)) !== dayKey(t)) {
      const name = day(t, today);
      out.push(memo('day' + dayKey(t), name, () => h('div', { class: 'day', role: 'separator' }, h('span', null, name))));
      before = null;
    }
    if (mark && before && before.ts <= mark && m.ts > mark) out.push(memo('new', 'new', () => h('div', { class: 'new-mark', role: 'separator' }, h('span', null, 'New'))));
    const joined = before && before.user === m.user && before.bot_name === m.bot_name && before.ephemeral === m.ephemeral && !quiet(before) && !quiet(m)
      && t - ms(before.ts) < groupGap && !(mark && before.ts <= mark && m.ts > mark);
    out.push(memo(m.ts + (m.ephemeral ? 'e' : ''), signature(m, joined), () => message(m, { joined })));
    before = m;
  }
  return out;
}

export const quiet = (m) => /^(channel_|group_|bot_add|pinned_item|joined|left)/.test(m.subtype || '');

function jump(root) {
  return h('button', { key: 'jump', type: 'button', class: 'jump', onclick: () => { bottom(root); root.classList.remove('behind'); } }, icon('down'), 'New messages');
}

const near = (root) => root.scrollHeight - root.scrollTop - root.clientHeight < 80;

function bottom(root) {
  root.stick = true;
  root.scrollTop = root.scrollHeight;
  root.top = root.scrollTop;
}

// Who is at the bottom stays there, also when a pane opens or a picture loads.
function watchScroll(root) {
  root.watched = true;
  root.addEventListener('scroll', () => {
    root.stick = near(root);
    root.top = root.scrollTop;
    if (root.stick) root.classList.remove('behind');
  }, { passive: true });
  // Less than the last known top: somebody scrolled up and the event is on its way.
  const sized = new ResizeObserver(() => { if (root.stick && root.scrollTop >= root.top - 1 && !root.classList.contains('at-home')) bottom(root); });
  sized.observe(root);
  const tapes = new MutationObserver(() => { if (root.firstElementChild) sized.observe(root.firstElementChild); });
  tapes.observe(root, { childList: true });
  if (root.firstElementChild) sized.observe(root.firstElementChild);
}

function seen(c) {
  const last = state.view.messages.at(-1)?.ts;
  if (!last || document.hidden || !c.unread || readTo === state.me + c.id + last) return;
  readTo = state.me + c.id + last;
  post('read', { user: state.me, channel: c.id, ts: last }).catch(() => {});
}
