// A thread in the side pane, with a box to answer in it.
import { h, patch, memo } from './dom.js';
import { state } from './state.js';
import { message, signature } from './message.js';
import { paneHead } from './pane.js';
import { composer } from './composer.js';
import { here } from './state.js';
import { ms } from './time.js';

let count = 0;

export function renderThread(root) {
  if (state.view.place !== state.place) return;
  const parent = state.view.messages.find((m) => m.ts === state.thread);
  const replies = state.view.messages.filter((m) => m.thread_ts === state.thread && m.ts !== state.thread);
  const c = here();
  patch(root, paneHead('Thread', c ? (c.im ? c.name : '#' + c.name) : ''),
    h('div', { class: 'pane-body thread', key: 'body' + state.thread },
      parent ? memo('parent', signature(parent, false), () => message(parent, { inThread: true })) : h('p', { class: 'none' }, 'The first message is further up: load earlier messages.'),
      replies.length > 0 && h('p', { key: 'count', class: 'thread-count' }, h('span', null, replies.length === 1 ? '1 reply' : `${replies.length} replies`)),
      replies.map((m, i) => {
        const b = replies[i - 1];
        const joined = Boolean(b && b.user === m.user && b.ephemeral === m.ephemeral && ms(m.ts) - ms(b.ts) < 3e5);
        return memo(m.ts + (m.ephemeral ? 'e' : ''), signature(m, joined), () => message(m, { inThread: true, joined }));
      })),
    memo('box' + state.thread + state.me + c?.archived + c?.member, '', () => (c && c.member && !c.archived ? composer({ id: 'thread', label: 'Reply in thread', thread: state.thread }) : h('div'))));
  const body = root.querySelector('.pane-body');
  if (replies.length !== count) { count = replies.length; body.scrollTop = body.scrollHeight; }
}
