// Where everything is put together: read the setup, choose who and where, then
// draw each region whenever the state changed.
import { get, listen } from './api.js';
import { $, h, patch } from './dom.js';
import { state, set, watch, refresh, go, remember } from './state.js';
import { renderBar } from './bar.js';
import { renderSidebar } from './sidebar.js';
import { renderHead } from './head.js';
import { renderMessages } from './messages.js';
import { renderThread } from './thread.js';
import { renderComposer } from './composer.js';
import { renderHome } from './home.js';
import { renderModal } from './modal.js';
import { renderPagerDuty } from './pagerduty.js';
import { renderGitHub } from './github.js';
import { renderLab } from './lab.js';
import { hear } from './notices.js';
import { openSwitcher } from './switcher.js';
import { closePopover } from './popover.js';
import { applyTheme } from './theme.js';

const panes = { thread: renderThread, pagerduty: renderPagerDuty, github: renderGitHub, lab: renderLab };

function draw() {
  if (!state.view) return;
  landed();
  applyTheme(); // a tab in the background hears late that the system turned dark
  document.title = `${unread() ? `(${unread()}) ` : ''}${state.setup.title} sandbox`;
  renderBar($('bar'));
  renderSidebar($('sidebar'));
  renderHead($('head'));
  const home = state.place === 'home';
  $('messages').classList.toggle('at-home', home);
  if (home) renderHome($('messages')); else renderMessages($('messages'));
  renderComposer($('composer'));
  pane();
  $('app').dataset.drawer = state.drawer;
  $('scrim').hidden = !state.drawer;
  renderModal();
  hear();
}

// landed leaves a place this person cannot see for the first one they can.
function landed() {
  if (state.place === 'home') return;
  const seen = state.view.channels;
  if (seen.some((c) => c.id === state.place)) return;
  const first = seen.find((c) => c.member && !c.im && !c.archived) || seen.find((c) => !c.archived && !c.im);
  const next = first ? first.id : 'home';
  if (next !== state.place) queueMicrotask(() => go(next));
}

let drawn = '';
function pane() {
  const box = $('pane');
  const make = panes[state.pane];
  box.hidden = !make;
  $('app').dataset.pane = make ? state.pane : '';
  if (drawn !== state.pane) { drawn = state.pane; box.replaceChildren(); box.scrollTop = 0; }
  if (make) make(box);
}

const unread = () => state.view.channels.reduce((n, c) => n + (c.mentions || 0), 0);

function keys(e) {
  if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'k') { e.preventDefault(); openSwitcher(); return; }
  if (e.key !== 'Escape' || e.defaultPrevented || document.querySelector('dialog[open]')) return;
  if (state.drawer) set({ drawer: '' });
  else if (state.pane) { set({ pane: '', thread: '' }); remember(); $('composer-text')?.focus(); }
}

async function start() {
  applyTheme();
  const setup = await get('setup');
  const q = new URLSearchParams(location.hash.slice(1));
  const me = setup.personas.some((p) => p.slack === q.get('as')) ? q.get('as') : setup.personas[0]?.slack || '';
  set({ setup, me, place: q.get('at') || '', pane: panes[q.get('pane')] ? q.get('pane') : '' });
  watch(draw);
  document.addEventListener('keydown', keys);
  $('scrim').onclick = () => set({ drawer: '' });
  document.addEventListener('visibilitychange', () => { if (!document.hidden) refresh('all'); });
  listen(refresh, (linked) => set({ linked }));
  refresh('all');
}

addEventListener('resize', () => closePopover());
start().catch((err) => {
  patch($('messages'), h('div', { class: 'empty' }, h('h3', null, 'The sandbox does not answer'), h('p', null, err.message)));
});
