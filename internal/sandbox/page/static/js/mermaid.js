// Two kinds of Mermaid chart, timeline and gantt, drawn plainly as SVG. Anything
// else stays the text it was.
import { svg } from './dom.js';
import { drawGantt } from './gantt.js';

const wide = 420;
const row = 19;

export function drawMermaid(source) {
  const lines = source.split('\n').map((l) => l.trim()).filter((l) => l && !l.startsWith('%%') && l !== '---');
  const kind = lines.shift();
  if (/^timeline\b/.test(kind || '')) return drawTimeline(lines);
  if (/^gantt\b/.test(kind || '')) return drawGantt(lines);
  return null;
}

// readTimeline understands: title X / section X / period : event : event, and a
// line that starts with a colon as one more event of the period above.
export function readTimeline(lines) {
  const out = { title: '', rows: [] };
  for (const line of lines) {
    const title = /^title\s+(.+)$/.exec(line);
    const section = /^section\s+(.+)$/.exec(line);
    if (title) { out.title = tidy(title[1]); continue; }
    if (section) { out.rows.push({ section: tidy(section[1]) }); continue; }
    // A time such as 10:42 has a colon of its own: parts are split at " : ".
    const parts = line.split(/\s+:\s+|^:\s*/).map(tidy).filter(Boolean);
    const last = out.rows.at(-1);
    if (line.startsWith(':') && last?.events) { last.events.push(...parts); continue; }
    out.rows.push({ period: parts[0] || '', events: parts.slice(1) });
  }
  return out;
}

function drawTimeline(lines) {
  const t = readTimeline(lines);
  const kids = [];
  const left = 24 + Math.min(150, Math.max(40, ...t.rows.filter((r) => r.period).map((r) => r.period.length * 7.2)));
  let y = 8;
  if (t.title) { kids.push(svg('text', { x: 0, y: y + 14, class: 'chart-title' }, t.title)); y += 32; }
  const top = y;
  let bottom = y;
  for (const r of t.rows) {
    if (r.section) {
      y += 8;
      kids.push(svg('text', { x: left + 14, y: y + 12, class: 'chart-section' }, r.section));
      y += 24;
      continue;
    }
    const text = (r.events.length ? r.events : ['']).flatMap((e) => wrap(e, Math.floor((wide - left - 20) / 6.9)).map((l, i) => ({ l, first: i === 0 })));
    kids.push(svg('text', { x: left - 14, y: y + 13, class: 'chart-period', 'text-anchor': 'end' }, r.period));
    kids.push(svg('circle', { cx: left, cy: y + 9, r: 4.5, class: 'chart-bead' }));
    bottom = y + 9;
    text.forEach((line, i) => kids.push(svg('text', { x: left + 14, y: y + 13 + i * row, class: 'chart-event' }, line.l)));
    y += text.length * row + 10;
  }
  return svg('svg', { viewBox: `0 0 ${wide} ${y + 4}`, role: 'img', 'aria-label': label(t) },
    svg('line', { x1: left, x2: left, y1: top + 4, y2: bottom, class: 'chart-line' }), kids);
}

const label = (t) => 'Timeline' + (t.title ? ': ' + t.title : '') + '. ' + t.rows.filter((r) => r.period).map((r) => `${r.period}: ${r.events.join('; ')}`).join('. ');

export function tidy(s) {
  return s.trim().replace(/<br\s*\/?>/g, ' ').replace(/#colon;/g, ':').replace(/#semi;/g, ';').replace(/#quot;/g, '"').replace(/#(\d+);/g, (_, n) => String.fromCodePoint(Number(n) % 0x110000));
}

export function wrap(text, width) {
  const out = [''];
  for (const word of text.split(/\s+/)) {
    const line = out.at(-1);
    if (line && line.length + word.length + 1 > width) out.push(word);
    else out[out.length - 1] = line ? line + ' ' + word : word;
  }
  return out;
}
