// The sandbox's own panel: how fast time runs, and what goes wrong on purpose.
import { h, patch } from './dom.js';
import { state, set, now, refresh } from './state.js';
import { paneHead } from './pane.js';
import { post } from './api.js';
import { tell, toast } from './toast.js';
import { utc } from './time.js';
import { icon } from './icons.js';

const speeds = [1, 10, 60];
const jumps = [{ label: '+1 min', s: 60 }, { label: '+5 min', s: 300 }, { label: '+15 min', s: 900 }, { label: '+1 h', s: 3600 }, { label: '+1 day', s: 86400 }];

export function renderLab(root) {
  const has = state.setup.has || {};
  patch(root, paneHead('Sandbox', 'clock and faults'), h('div', { class: 'pane-body', key: 'body' }, has.clock && clock(), has.faults && faults(), about()));
}

function clock() {
  const factor = state.clock?.factor ?? 1;
  return h('section', { class: 'lab', key: 'clock' }, h('h3', null, icon('clock'), 'Clock'),
    h('p', { class: 'small' }, 'Everything that waits follows it: pages, reminders, deadlines.'),
    h('p', { class: 'lab-time', id: 'lab-time' }, utc(now())),
    h('div', { class: 'pick', role: 'radiogroup', 'aria-label': 'Speed' }, speeds.map((f) => h('button', { type: 'button', role: 'radio', 'aria-checked': String(f === factor), class: 'pick-one', onclick: () => change({ factor: f }) }, `${f}×`)),
      !speeds.includes(factor) && h('button', { type: 'button', role: 'radio', 'aria-checked': 'true', class: 'pick-one' }, `${factor}×`)),
    h('div', { class: 'b-actions' }, jumps.map((j) => h('button', { type: 'button', class: 'btn', onclick: () => change({ advance_seconds: j.s }, `Moved ahead: ${j.label}`) }, j.label))));
}

function faults() {
  const on = state.faults || [];
  const extra = on.filter((f) => !f.preset);
  return h('section', { class: 'lab', key: 'faults' }, h('h3', null, icon('bolt'), 'Break something'),
    h('p', { class: 'small' }, 'See what the room says when a vendor lets it down.'),
    h('ul', { class: 'switches' }, state.setup.presets.map((p) => {
      const active = on.filter((f) => f.preset && f.name === p.name);
      const hits = active.reduce((n, f) => n + f.hits, 0);
      return h('li', { key: p.name }, h('button', { type: 'button', role: 'switch', 'aria-checked': String(active.length > 0), class: 'switch', onclick: () => flip({ name: p.name, on: !active.length }) },
        h('span', { class: 'switch-words' }, h('strong', null, p.name), h('small', null, p.text, active.length ? ` Struck ${hits} times.` : '')), h('span', { class: 'knob', 'aria-hidden': 'true' })));
    })),
    extra.length ? h('ul', { class: 'extra' }, extra.map((f) => h('li', { class: 'small' }, `${f.vendor}: ${f.name} (struck ${f.hits} times)`))) : null,
    on.length ? h('button', { type: 'button', class: 'btn', onclick: () => flip({ clear: true }) }, 'Mend everything') : null);
}

function about() {
  return h('p', { class: 'small faint', key: 'about' }, 'This is an honest sandbox: it refuses what the real Slack, PagerDuty and GitHub refuse. Nothing in it leaves this machine.');
}

async function change(body, told) {
  const well = await tell(async () => {
    const c = await post('clock', body);
    set({ clock: { now: Date.parse(c.now), factor: c.factor, at: performance.now() } });
  });
  if (well && told) toast(told);
  refresh('all');
}

const flip = (body) => tell(async () => set({ faults: await post('faults', body) }));

setInterval(() => {
  const node = document.getElementById('lab-time');
  if (node?.firstChild) node.firstChild.data = utc(now());
}, 250);
