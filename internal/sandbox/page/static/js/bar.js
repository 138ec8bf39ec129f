// The bar on top: who made this, that it is a sandbox, what time it is in it, and
// the three panels beside the chat.
import { h, patch } from './dom.js';
import { icon, bell } from './icons.js';
import { state, set, now, me, remember } from './state.js';
import { hms, utc } from './time.js';
import { dark, flipTheme } from './theme.js';
import { avatar } from './avatar.js';
import { personaMenu } from './personas.js';

export function renderBar(root) {
  const paged = (state.pagerduty?.incidents || []).filter((i) => i.status === 'triggered').length;
  const issues = (state.github?.repos || []).reduce((n, r) => n + (r.issues || []).filter((i) => i.state === 'open' && !i.parent).length, 0);
  const faults = (state.faults || []).length;
  const has = state.setup.has || {};
  patch(root,
    h('button', { type: 'button', class: 'tool only-narrow', 'aria-label': 'Channels', 'aria-expanded': String(state.drawer === 'sidebar'), onclick: () => set({ drawer: state.drawer ? '' : 'sidebar' }) }, icon('menu')),
    h('div', { class: 'brand' + (paged ? ' ringing' : '') }, bell(), h('span', { class: 'brand-name' }, state.setup.title), h('span', { class: 'badge-sandbox', title: 'Nothing here reaches a real Slack, PagerDuty or GitHub.' }, 'sandbox')),
    !state.linked && h('span', { class: 'unlinked', role: 'status' }, 'connection lost, trying again'),
    h('div', { class: 'grow' }),
    has.clock && h('button', { type: 'button', class: 'tool clock' + (state.clock?.factor > 1 ? ' fast' : ''), 'aria-label': 'Sandbox clock and faults', 'aria-pressed': String(state.pane === 'lab'), onclick: () => open('lab'), title: 'Sandbox time: ' + utc(now()) },
      icon('clock'), h('span', { class: 'clock-time', id: 'clock-time' }, hms(now())),
      state.clock?.factor !== 1 && h('span', { class: 'speed' }, `${state.clock?.factor ?? 1}×`)),
    has.pagerduty && tool('pagerduty', 'pager', 'PagerDuty', paged, 'being paged', true),
    has.github && tool('github', 'issue', 'GitHub', issues, 'open issues'),
    has.faults && tool('lab', 'bolt', 'Faults', faults, 'faults on', true),
    h('button', { type: 'button', class: 'tool theme', 'aria-label': dark() ? 'Use light colours' : 'Use dark colours', title: dark() ? 'Light' : 'Dark', onclick: () => { flipTheme(); set({}); } }, icon(dark() ? 'sun' : 'moon')),
    h('button', { type: 'button', class: 'tool only-narrow me', 'aria-label': `You are ${me().name}; change`, 'aria-haspopup': 'menu', onclick: (e) => personaMenu(e.currentTarget) }, avatar(state.me, '', true)));
}

function tool(pane, mark, label, count, what, loud) {
  const on = state.pane === pane;
  return h('button', {
    type: 'button', class: 'tool' + (count && loud ? ' alarm' : ''), 'data-pane': pane, 'aria-pressed': String(on),
    'aria-label': count ? `${label}: ${count} ${what}` : label, onclick: () => open(pane),
  }, icon(mark), h('span', { class: 'tool-label' }, label), count ? h('span', { class: 'count' }, count) : null);
}

export function open(pane) {
  set({ pane: state.pane === pane ? '' : pane, thread: '', drawer: '' });
  remember();
}

// The clock ticks by itself between answers.
setInterval(() => {
  const node = document.getElementById('clock-time');
  if (node && state.clock) { const t = hms(now()); if (node.firstChild?.data !== t) node.firstChild ? (node.firstChild.data = t) : node.append(t); }
}, 250);
