// What the client itself tells this person: new notices become toasts, so do rooms
// they were brought into, new messages are read out to those who listen instead of look.
import { state, person, go } from './state.js';
import { toast, say } from './toast.js';
import { strip } from './mrkdwn.js';

const heard = new Map(); // person -> notices already shown
const rooms = new Map(); // person -> channels they are in
let last = '';
let where = '';

export function hear() {
  const list = state.view.notices || [];
  const me = state.view.me?.id || state.me;
  const before = heard.get(me);
  if (before) fresh(before, list).forEach((n) => toast(strip(n), 'bad'));
  heard.set(me, list);
  const mine = state.view.channels.filter((c) => c.member && !c.im && !c.archived);
  const known = rooms.get(me);
  if (known) {
    for (const c of mine.filter((x) => !known.has(x.id) && x.id !== state.place)) {
      toast(`You were added to #${c.name}`, '', { label: 'Open', place: c.id, run: () => go(c.id) });
    }
  }
  for (const t of document.querySelectorAll('.toast[data-place]')) if (t.dataset.place === state.place) t.remove();
  rooms.set(me, new Set(mine.map((c) => c.id)));
  const m = state.view.messages?.at(-1);
  if (where === state.place && m && last && m.ts > last && m.user !== state.me) {
    say(`${person(m.user).name}: ${strip(m.text).slice(0, 200)}`);
  }
  last = m?.ts || '';
  where = state.place;
}

// fresh finds what was added to a list whose oldest entries may have gone.
function fresh(before, now) {
  for (let drop = 0; drop <= before.length; drop++) {
    const tail = before.slice(drop);
    if (tail.every((n, i) => n === now[i])) return now.slice(tail.length);
  }
  return now;
}
