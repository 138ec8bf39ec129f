// A gantt chart as Mermaid writes it: sections, tasks with tags, an id, a start and
// an end or a length.
import { svg } from './dom.js';
import { tidy } from './mermaid.js';

const wide = 420;
const left = 150;
const bar = 26;

// readGantt returns {title, rows: [{section} | {name, tags, from, to, milestone}]},
// times in milliseconds.
export function readGantt(lines) {
  const out = { title: '', rows: [] };
  const ends = new Map();
  let format = '';
  let prev = NaN;
  for (const line of lines) {
    const key = /^(title|dateFormat|axisFormat|section|todayMarker|tickInterval|excludes|inclusiveEndDates|weekday)\b\s*(.*)$/.exec(line);
    if (key) {
      if (key[1] === 'title') out.title = tidy(key[2]);
      if (key[1] === 'section') out.rows.push({ section: tidy(key[2]) });
      if (key[1] === 'dateFormat') format = key[2].trim();
      continue;
    }
    const cut = /\s*:\s*(?=[^:]*(?:,|$)|(?:(?:done|active|crit|milestone|vert)\b))/.exec(line) || /\s*:\s*/.exec(line);
    if (!cut) continue;
    const parts = line.slice(cut.index + cut[0].length).split(',').map((s) => s.trim());
    const tags = [];
    while (parts.length && /^(done|active|crit|milestone|vert)$/.test(parts[0])) tags.push(parts.shift());
    const id = parts.length === 3 || (parts.length === 2 && Number.isNaN(moment(parts[0], format)) && !/^after\b/.test(parts[0])) ? parts.shift() : '';
    const begin = parts.length > 1 ? parts.shift() : '';
    const after = /^after\s+(.+)$/.exec(begin);
    const from = after ? Math.max(...after[1].split(/\s+/).map((x) => ends.get(x) ?? NaN)) : begin ? moment(begin, format) : prev;
    const to = length(parts[0] || '', from) ?? moment(parts[0] || '', format);
    if (!Number.isFinite(from)) continue;
    const end = Number.isFinite(to) ? to : from;
    if (id) ends.set(id, end);
    prev = end;
    out.rows.push({ name: tidy(line.slice(0, cut.index)), tags, from, to: end, milestone: tags.includes('milestone') });
  }
  return out;
}

function moment(text, format) {
  if (format === 'X') return Number(text) * 1000;
  if (format === 'x') return Number(text);
  if (/^\d{1,2}:\d{2}(:\d{2})?$/.test(text)) return Date.parse(`1970-01-01T${text.padStart(text.length < 6 ? 5 : 8, '0')}Z`);
  const iso = text.replace(/^(\d{4}-\d{2}-\d{2})[ T](\d.*?)Z?$/, '$1T$2Z');
  return /^\d{4}-\d{2}-\d{2}/.test(iso) ? Date.parse(iso) : NaN;
}

function length(text, from) {
  const m = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/.exec(text);
  return m ? from + Number(m[1]) * { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 }[m[2]] : undefined;
}

export function drawGantt(lines) {
  const g = readGantt(lines);
  const tasks = g.rows.filter((r) => r.name);
  if (!tasks.length) return null;
  const from = Math.min(...tasks.map((t) => t.from));
  const to = Math.max(...tasks.map((t) => t.to), from + 6e4);
  const x = (t) => left + 4 + ((t - from) / (to - from)) * (wide - left - 14);
  const kids = [];
  let y = 6;
  if (g.title) { kids.push(svg('text', { x: 0, y: y + 14, class: 'chart-title' }, g.title)); y += 32; }
  const top = y;
  for (const r of g.rows) {
    if (r.section) { kids.push(svg('text', { x: 0, y: y + 15, class: 'chart-section' }, clip(r.section, 60))); y += 24; continue; }
    const tone = r.tags.includes('crit') ? 'crit' : r.tags.includes('done') ? 'done' : r.tags.includes('active') ? 'active' : 'plain';
    kids.push(svg('text', { x: 8, y: y + 15, class: 'chart-event' }, clip(r.name, 21), svg('title', null, r.name)));
    const about = svg('title', null, `${r.name}: ${time(r.from, to - from)} to ${time(r.to, to - from)}`);
    kids.push(r.milestone || r.to === r.from
      ? svg('path', { d: `M${x(r.from)} ${y + 3}l7 7-7 7-7-7z`, class: 'chart-bar ' + tone }, about)
      : svg('rect', { x: x(r.from), y: y + 3, width: Math.max(3, x(r.to) - x(r.from)), height: 15, rx: 3, class: 'chart-bar ' + tone }, about));
    y += bar;
  }
  const ticks = [0, 1, 2, 3].map((i) => from + ((to - from) * i) / 3);
  return svg('svg', { viewBox: `0 0 ${wide} ${y + 24}`, role: 'img', 'aria-label': `Chart${g.title ? ': ' + g.title : ''}. ${tasks.map((t) => t.name).join('; ')}` },
    ticks.map((t) => svg('line', { x1: x(t), x2: x(t), y1: top, y2: y + 4, class: 'chart-grid' })), kids,
    ticks.map((t, i) => svg('text', { x: x(t), y: y + 18, class: 'chart-tick', 'text-anchor': ['start', 'middle', 'middle', 'end'][i] }, time(t, to - from))));
}

const clip = (s, n) => (s.length > n ? s.slice(0, n - 1) + '…' : s);

function time(t, range) {
  const iso = new Date(t).toISOString();
  return range > 3 * 864e5 ? iso.slice(5, 10) : range > 864e5 ? iso.slice(5, 16).replace('T', ' ') : iso.slice(11, 16);
}
