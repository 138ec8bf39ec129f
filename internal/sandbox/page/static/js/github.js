// The GitHub panel: the issues of each repository, and one issue read as on
// GitHub: body, labels, sub-issues, comments.
import { h, patch, memo } from './dom.js';
import { state, set, now } from './state.js';
import { paneHead } from './pane.js';
import { icon } from './icons.js';
import { post } from './api.js';
import { tell } from './toast.js';
import { drawMermaid } from './mermaid.js';
import { link } from './links.js';
import { acting, chooseActing } from './actas.js';
import { ago, hm, utc } from './time.js';

export function renderGitHub(root) {
  const repos = state.github?.repos || [];
  const repo = repos.find((r) => r.name === state.repo) || repos[0];
  const issue = repo && state.issue ? (repo.issues || []).find((i) => i.number === state.issue) : null;
  if (issue) { one(root, repo, issue); return; }
  const all = repos.flatMap((r) => (r.issues || []).map((i) => ({ ...i, repo: r.name })));
  patch(root, paneHead('GitHub', repos.length === 1 ? repos[0].name : `${repos.length} repositories`),
    h('div', { class: 'pane-body', key: 'list' },
      !all.length && h('div', { class: 'empty' }, icon('issue'), h('h3', null, 'No issues yet'), h('p', null, 'Resolve an incident and publish its post-mortem: it appears here, with every action item as a sub-issue.')),
      repos.map((r) => list(r))));
}

function list(r) {
  const tops = (r.issues || []).filter((i) => !i.parent);
  if (!tops.length) return null;
  return h('section', { class: 'repo', key: r.name }, h('h3', { class: 'repo-name' }, r.name, r.visibility && h('span', { class: 'tag' }, r.visibility)),
    h('ul', { class: 'issues' }, tops.map((i) => row(r, i))));
}

function row(r, i) {
  const subs = subIssues(r, i);
  const done = subs.filter((s) => s.state === 'closed').length;
  return h('li', { key: i.number }, h('button', { type: 'button', class: 'issue-row', onclick: () => set({ repo: r.name, issue: i.number }) },
    mark(i), h('span', { class: 'issue-words' }, h('strong', null, i.title),
      h('small', null, `#${i.number}`, when(i), subs.length ? ` · ${done} of ${subs.length} done` : '', comments(i).length ? ` · ${comments(i).length} comments` : ''),
      h('span', { class: 'labels' }, labels(i)))));
}

const mark = (i) => h('span', { class: 'issue-mark ' + i.state, role: 'img', 'aria-label': i.state }, icon(i.state === 'closed' ? 'check' : 'issue'));
const when = (i) => (i.created_at ? ' · ' + ago(Date.parse(i.created_at), now()) : '');
const comments = (i) => (Array.isArray(i.comments) ? i.comments : []);
const labels = (i) => (i.labels || []).map((l) => {
  const node = h('span', { class: 'label' }, h('span', { class: 'label-dot', 'aria-hidden': 'true' }), l.name);
  if (/^[0-9a-f]{6}$/i.test(l.color)) node.style.setProperty('--tint', '#' + l.color);
  return node;
});

// Sub-issues may live in another repository; then only title and state are known.
function subIssues(r, i) {
  return (i.sub_issues || []).map((s) => ({ ...issueOf(s.repo || r.name, s.number), ...s }));
}

const issueOf = (repo, number) => state.github.repos.find((r) => r.name === repo)?.issues.find((i) => i.number === number);

function one(root, r, i) {
  const subs = subIssues(r, i);
  const done = subs.filter((s) => s.state === 'closed').length;
  const parent = i.parent ? issueOf(r.name, i.parent) : null;
  patch(root, paneHead('GitHub', `${r.name} #${i.number}`, () => set({ issue: parent ? parent.number : 0 })),
    h('article', { class: 'pane-body issue', key: r.name + i.number },
      h('h2', { class: 'issue-title' }, i.title, ' ', h('span', { class: 'faint' }, '#' + i.number)),
      h('p', { class: 'issue-meta' }, h('span', { class: 'state ' + i.state }, icon(i.state === 'closed' ? 'check' : 'issue'), i.state === 'closed' ? 'Closed' : 'Open'),
        i.by && h('span', null, i.by), i.created_at && h('time', { class: 'faint', title: utc(Date.parse(i.created_at)) }, when(i).slice(3))),
      h('div', { class: 'labels' }, labels(i)),
      (i.assignees || []).length ? h('p', { class: 'small' }, 'Assigned to ', h('strong', null, i.assignees.join(', '))) : null,
      parent && h('p', { class: 'small' }, 'Part of ', h('button', { type: 'button', class: 'textlink', onclick: () => set({ issue: parent.number }) }, parent.title)),
      markdown('body', i.body_html, i.body),
      subs.length ? h('section', { class: 'subs', key: 'subs' }, h('h3', null, 'Sub-issues ', h('span', { class: 'faint' }, `${done} of ${subs.length} done`)),
        h('progress', { max: subs.length, value: done, 'aria-label': 'Sub-issues done' }),
        h('ul', { class: 'issues' }, subs.map((s) => h('li', { key: s.number }, h('button', { type: 'button', class: 'issue-row' + (s.state === 'closed' ? ' over' : ''), onclick: () => set({ repo: s.repo || r.name, issue: s.number }) }, mark(s),
          h('span', { class: 'issue-words' }, h('span', null, s.title), h('small', null, [`#${s.number}`, (s.assignees || []).join(', ')].filter(Boolean).join(' · ')))))))) : null,
      comments(i).length ? h('section', { class: 'comments', key: 'comments' }, comments(i).map((c, n) => h('div', { class: 'comment', key: c.id || n },
        h('p', { class: 'comment-head' }, h('strong', null, c.by), ' ', h('time', { class: 'faint', title: utc(Date.parse(c.at)) }, ago(Date.parse(c.at), now()))),
        markdown('c' + (c.id || n), c.body_html, c.body)))) : null,
      (i.events || []).length ? h('details', { class: 'log', key: 'events' }, h('summary', null, `History (${i.events.length})`),
        h('ol', null, i.events.map((e) => h('li', null, h('time', { title: utc(Date.parse(e.at)) }, hm(Date.parse(e.at))), h('span', null, `${e.by} ${e.kind.replace(/_/g, ' ')} ${e.detail}`))))) : null,
      i.state === 'open' ? h('footer', { class: 'issue-foot', key: 'foot' }, chooseActing('github', 'Close as'),
        h('button', { type: 'button', class: 'btn', onclick: () => tell(() => post('github', { user: acting('github'), repo: r.name, number: i.number })) }, 'Close issue')) : null));
}

// The server rendered this Markdown with raw HTML off: the one place where markup
// is taken as it comes. Addresses are then led through the page's own links.
function markdown(key, html, source) {
  return memo(key, source || '', () => {
    const box = h('div', { class: 'markdown', 'data-own': true });
    // A parsed document loads no picture and runs nothing.
    const doc = new DOMParser().parseFromString(html || '<p><em>No description.</em></p>', 'text/html');
    for (const img of doc.querySelectorAll('img')) img.replaceWith(link(img.src, img.alt || 'picture'));
    box.append(...doc.body.childNodes);
    for (const a of box.querySelectorAll('a[href]')) a.replaceWith(link(a.href, h('span', null, ...a.childNodes)));
    for (const t of box.querySelectorAll('table')) { const wrap = h('div', { class: 'table-wrap', tabindex: '0', role: 'region', 'aria-label': 'Table' }); t.replaceWith(wrap); wrap.append(t); }
    for (const code of box.querySelectorAll('code.language-mermaid')) {
      const drawing = drawMermaid(code.textContent);
      if (drawing) code.parentElement.replaceWith(h('figure', { class: 'chart' }, drawing));
    }
    return box;
  });
}
