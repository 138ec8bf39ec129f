// A link leads into the page when it names something the page shows (a message,
// a sandbox issue, a PagerDuty incident); everything else opens a new tab.
import { h } from './dom.js';
import { go, set, state } from './state.js';

export function link(url, label) {
  const text = label ?? url.replace(/^mailto:/, '');
  const u = safe(url);
  if (!u) return h('span', { class: 'dead-link', title: 'not a web address' }, text);
  const inside = within(u);
  if (inside) return h('a', { href: u.href, class: 'inside', onclick: (e) => { e.preventDefault(); inside(); } }, text);
  return h('a', { href: u.href, target: '_blank', rel: 'noopener noreferrer nofollow', title: u.href }, text);
}

// safe refuses every scheme a click could run as code.
export function safe(url) {
  try {
    const u = new URL(url);
    return ['http:', 'https:', 'mailto:', 'tel:'].includes(u.protocol) ? u : null;
  } catch { return null; }
}

// visit follows the address of a button: into the page where it can.
export function visit(url) {
  const u = url && safe(url);
  if (!u) return;
  const inside = within(u);
  if (inside) inside();
  else window.open(u.href, '_blank', 'noopener,noreferrer');
}

function within(u) {
  const message = /\/archives\/([A-Z0-9]+)(?:\/p(\d{10})(\d{6}))?/.exec(u.pathname);
  if (message) return () => show(message[1], message[2] ? `${message[2]}.${message[3]}` : '');
  const issue = /\/([\w.-]+\/[\w.-]+)\/issues\/(\d+)/.exec(u.pathname);
  if (issue && state.setup.repos.includes(issue[1])) return () => set({ pane: 'github', repo: issue[1], issue: Number(issue[2]) });
  const paged = /\/incidents\/([A-Z0-9]+)$/.exec(u.pathname);
  if (paged && state.pagerduty?.incidents?.some((i) => i.id === paged[1])) return () => set({ pane: 'pagerduty', paged: paged[1] });
  return null;
}

export function show(channel, ts) {
  go(channel);
  if (!ts) return;
  let tries = 0;
  const look = () => {
    const node = document.querySelector(`[data-ts="${CSS.escape(ts)}"]`);
    if (node) {
      node.scrollIntoView({ block: 'center' });
      node.classList.add('found');
      setTimeout(() => node.classList.remove('found'), 2500);
    } else if (tries++ < 20) setTimeout(look, 100);
  };
  setTimeout(look, 50);
}
