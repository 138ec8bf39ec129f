// The PagerDuty panel: who is being paged now, how long until the next level, and
// the two buttons a person's phone would show.
import { h, patch } from './dom.js';
import { state, set, now } from './state.js';
import { paneHead } from './pane.js';
import { icon } from './icons.js';
import { post } from './api.js';
import { tell } from './toast.js';
import { stamp, span, ago, hms, utc } from './time.js';
import { strip } from './mrkdwn.js';
import { link } from './links.js';
import { acting, chooseActing } from './actas.js';

export function renderPagerDuty(root) {
  const all = state.pagerduty?.incidents || [];
  const open = all.filter((i) => i.status !== 'resolved');
  const done = all.filter((i) => i.status === 'resolved');
  const rang = open.filter((i) => i.status === 'triggered').length;
  patch(root, paneHead('PagerDuty', rang ? `${rang} ringing` : 'all quiet'),
    h('div', { class: 'pane-body', key: 'body' },
      chooseActing('pagerduty', 'Answer as'),
      !all.length && h('div', { class: 'empty' }, icon('pager'), h('h3', null, 'Nobody is being paged'), h('p', null, 'Declare a P1 or P2 and the on-call people appear here, with a countdown to the next level.')),
      open.map(card),
      done.length > 0 && h('details', { key: 'done', class: 'done', open: !open.length }, h('summary', null, `Resolved (${done.length})`), done.map(card))));
}

function card(i) {
  const ringing = i.status === 'triggered';
  return h('article', { class: 'page-card ' + i.status, key: i.id, 'data-incident': i.id, 'aria-label': `PagerDuty incident ${i.number}: ${i.title}` },
    h('header', null, h('span', { class: 'status ' + i.status }, ringing && h('span', { class: 'ring', 'aria-hidden': 'true' }), word(i.status)), h('span', { class: 'faint' }, `#${i.number}`),
      i.priority && h('span', { class: 'tag strong' }, i.priority), h('span', { class: 'tag' }, i.urgency),
      h('span', { class: 'grow' }), stamp(Date.parse(i.created_at), 'faint')),
    h('h3', null, strip(i.title)),
    who(i),
    h('p', { class: 'faint small' }, [i.service, i.escalation_policy].filter(Boolean).join(' · ')),
    meet(i),
    i.status === 'resolved' ? null : h('div', { class: 'b-actions' },
      ringing && h('button', { type: 'button', class: 'btn primary', onclick: (e) => act(e, i, 'acknowledge') }, 'Acknowledge'),
      h('button', { type: 'button', class: 'btn', onclick: (e) => act(e, i, 'resolve') }, 'Resolve'),
      h('button', { type: 'button', class: 'btn', onclick: (e) => act(e, i, 'escalate') }, 'Escalate')),
    i.responders.length ? h('p', { class: 'small' }, 'Asked to help: ', i.responders.map((r) => `${r.name} (${r.state})`).join(', ')) : null,
    log(i));
}

const word = (status) => ({ triggered: 'Ringing', acknowledged: 'Acknowledged', resolved: 'Resolved' }[status] || status);

function who(i) {
  if (i.status === 'resolved') return h('p', { class: 'who-line' }, 'Resolved ', i.resolved_at ? ago(Date.parse(i.resolved_at), now()) : '');
  if (i.status === 'acknowledged') return h('p', { class: 'who-line' }, icon('check'), h('span', null, h('strong', null, names(i.acknowledged_by)), i.acknowledged_by.length ? ' has it' : 'acknowledged'));
  return h('div', { class: 'who-line' }, icon('pager'), h('span', null, 'Paging ', h('strong', null, names(i.assigned) || 'nobody'), h('span', { class: 'level' }, `level ${i.level}${i.loop ? `, round ${i.loop + 1}` : ''}`)), countdown(i));
}

function countdown(i) {
  if (!i.next_escalation) return h('span', { class: 'countdown none' }, 'last level');
  const at = Date.parse(i.next_escalation);
  return h('span', { class: 'countdown', 'data-at': at, title: 'Next level at ' + utc(at), role: 'timer' }, 'next level in ' + span(at - now()));
}

function meet(i) {
  if (!i.conference_url && !i.conference_number) return null;
  return h('p', { class: 'small' }, 'Bridge: ', i.conference_url ? link(i.conference_url, i.conference_url.includes('/archives/') ? 'the room in the chat' : undefined) : null, i.conference_number ? ' ' + i.conference_number : '');
}

function log(i) {
  const lines = [
    ...i.log.map((e) => ({ at: Date.parse(e.at), text: e.summary || e.type, by: e.by })),
    ...i.notifications.map((n) => ({ at: Date.parse(n.at), text: `${n.type.replace(/_(contact_method|reference)/g, '').replace(/_/g, ' ')} to ${n.user}`, by: n.address, soft: true })),
    ...i.notes.map((n) => ({ at: Date.parse(n.at), text: 'Note: ' + n.text, by: n.by })),
    ...i.status_updates.map((n) => ({ at: Date.parse(n.at), text: 'Status: ' + n.text, by: n.by })),
  ].sort((a, b) => a.at - b.at);
  return h('details', { class: 'log', open: state.paged === i.id }, h('summary', null, `Log (${lines.length})`),
    h('ol', null, lines.map((l) => h('li', { class: l.soft ? 'soft' : '' }, h('time', { title: utc(l.at) }, hms(l.at)), h('span', null, l.text, l.by && h('small', null, ' ' + l.by))))));
}

const names = (list) => (list || []).map((p) => p.name).join(', ');

function act(e, i, what) {
  const node = e.currentTarget;
  node.classList.add('working');
  const user = acting('pagerduty');
  tell(() => post('pagerduty', { user, id: i.id, do: what })).finally(() => { node.classList.remove('working'); set({}); });
}

// Countdowns move between answers.
setInterval(() => {
  for (const node of document.querySelectorAll('.countdown[data-at]')) {
    const left = Number(node.dataset.at) - now();
    node.textContent = left > 0 ? 'next level in ' + span(left) : 'next level now';
    node.classList.toggle('soon', left < 60e3);
  }
}, 500);
