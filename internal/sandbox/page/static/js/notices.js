// What the client itself tells this person: new notices become toasts, new messages
// are read out to those who listen instead of look.
import { state, person } from './state.js';
import { toast, say } from './toast.js';
import { strip } from './mrkdwn.js';

const heard = new Map(); // person -> notices already shown
let last = '';
let where = '';

export function hear() {
  const list = state.view.notices || [];
  const me = state.view.me?.id || state.me;
  const before = heard.get(me);
  if (before) fresh(before, list).forEach((n) => toast(strip(n), 'bad'));
  heard.set(me, list);
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
