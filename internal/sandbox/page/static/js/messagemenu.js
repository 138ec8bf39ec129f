// What can be done with one message, the app's message shortcuts included.
import { menu } from './popover.js';
import { ask } from './dialog.js';
import { post } from './api.js';
import { tell, toast } from './toast.js';
import { icon } from './icons.js';
import { strip } from './mrkdwn.js';
import { state, set, here } from './state.js';

export function messageMenu(anchor, m) {
  const on = { channel: state.place, ts: m.ts };
  const pinned = here()?.pins?.includes(m.ts);
  const items = [];
  if (!m.ephemeral) {
    for (const s of (state.view.shortcuts || []).filter((x) => x.type === 'message')) {
      items.push({ label: s.name, note: s.description, icon: icon('bolt'), run: () => tell(() => post('shortcut', { user: state.me, callback_id: s.callback_id, on })) });
    }
    if (items.length) items.push('-');
    items.push({ label: pinned ? 'Unpin' : 'Pin to this channel', icon: icon('pin'), run: () => tell(() => post('pin', { user: state.me, ...on, add: !pinned })) });
  }
  items.push({ label: 'Copy text', icon: icon('issue'), run: () => copy(strip(m.text)) });
  if (m.user === state.me && !m.ephemeral) {
    items.push({ label: 'Edit', icon: icon('mark'), run: () => set({ editing: m.ts }) });
    items.push({ label: 'Delete', danger: true, icon: icon('close'), run: () => remove(m, on) });
  }
  menu(anchor, 'Message', items);
}

async function copy(text) {
  try { await navigator.clipboard.writeText(text); toast('Copied.'); } catch { toast('The browser did not allow copying.', 'bad'); }
}

async function remove(m, on) {
  const yes = await ask({ title: 'Delete this message?', text: strip(m.text).slice(0, 200), confirm: 'Delete', style: 'danger' });
  if (yes) tell(() => post('delete', { user: state.me, ...on }));
}
