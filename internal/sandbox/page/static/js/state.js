// What the page knows, and the one way to change it: set() then everybody who
// asked is told once per frame.
import { get, post } from './api.js';

export const state = {
  setup: { title: '', personas: [], completions: [], presets: [], repos: [] },
  me: '',
  place: '',        // a channel id, or 'home'
  thread: '',       // ts of the parent shown in the pane
  pane: '',         // thread | pagerduty | github | lab
  drawer: '',       // sidebar, on a phone
  limit: 100,
  view: null,
  pagerduty: null,
  github: null,
  clock: null,
  faults: null,
  linked: true,
  filter: '',
};

const watchers = [];
let due = false;

export function watch(f) { watchers.push(f); }

export function set(change) {
  Object.assign(state, change);
  if (due) return;
  due = true;
  queueMicrotask(() => { due = false; watchers.forEach((f) => f()); });
}

// A refresh that is asked for while one runs is done once more afterwards.
const busy = new Map();
async function once(name, work) {
  if (busy.has(name)) { busy.set(name, true); return; }
  busy.set(name, false);
  try { await work(); } catch { /* the link mark already says so */ } finally {
    const again = busy.get(name);
    busy.delete(name);
    if (again) once(name, work);
  }
}

export function refresh(part) {
  const all = part === 'all';
  if (all || part === 'slack') once('slack', refreshSlack);
  if (all || part === 'pagerduty') once('pagerduty', async () => set({ pagerduty: await get('pagerduty') }));
  if (all || part === 'github') once('github', async () => set({ github: await get('github') }));
  if (all || part === 'clock') once('clock', refreshClock);
  if (all || part === 'faults') once('faults', async () => set({ faults: await get('faults') }));
}

async function refreshSlack() {
  const { me, place, limit } = state;
  const view = await get('view', { user: me, channel: place === 'home' ? '' : place, limit });
  if (me !== state.me || place !== state.place) { queueMicrotask(() => refresh('slack')); return; }
  set({ view: { ...view, place, who: me } });
}

async function refreshClock() {
  const clock = await get('clock');
  set({ clock: { now: Date.parse(clock.now), factor: clock.factor, at: performance.now() } });
}

// now is the sandbox's present in milliseconds.
export function now() {
  const c = state.clock;
  return c ? c.now + (performance.now() - c.at) * c.factor : Date.now();
}

export function person(id) {
  const p = state.setup.personas.find((x) => x.slack === id);
  const u = state.view?.users?.find((x) => x.id === id);
  if (!p && !u) return { id, name: id, handle: id, bot: false, title: '' };
  return {
    id,
    name: p?.name || u.real_name || u.name || id,
    handle: u?.name || p?.name || id,
    bot: Boolean(u?.bot),
    title: p?.title || u?.title || '',
    tz: u?.tz || '',
  };
}

export const me = () => person(state.me);
export const channelOf = (id) => state.view?.channels?.find((c) => c.id === id);
export const here = () => channelOf(state.place);

export function go(place, extra) {
  const same = place === state.place;
  set({ place, limit: same ? state.limit : 100, drawer: '', ...(same || state.pane !== 'thread' ? {} : { pane: '', thread: '' }), ...extra });
  if (place === 'home') post('home', { user: state.me }).catch(() => {});
  remember();
  refresh('slack');
}

export function become(id) {
  if (id === state.me) return;
  set({ me: id, view: state.view, pane: state.pane === 'thread' ? '' : state.pane, thread: '', limit: 100, drawer: '' });
  if (state.place === 'home') post('home', { user: id }).catch(() => {});
  remember();
  refresh('slack');
}

export function remember() {
  const q = new URLSearchParams({ as: state.me, at: state.place });
  if (state.pane && state.pane !== 'thread') q.set('pane', state.pane);
  history.replaceState(null, '', '#' + q);
}

// keep and kept hold small wishes of this browser; without storage they last a page.
const wishes = new Map();
export function keep(key, value) {
  wishes.set(key, value);
  try { localStorage.setItem('tocsin.' + key, value); } catch { /* private window */ }
}
export function kept(key) {
  try { return localStorage.getItem('tocsin.' + key) ?? wishes.get(key) ?? ''; } catch { return wishes.get(key) ?? ''; }
}
