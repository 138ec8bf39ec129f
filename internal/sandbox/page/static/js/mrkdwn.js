// Slack's mrkdwn becomes nodes: blocks first (code, quotes, lines), then the
// inline marks. Text never turns into markup.
import { h } from './dom.js';
import { person, channelOf, state } from './state.js';
import { glyph } from './emoji.js';
import { slackDate } from './time.js';
import { link } from './links.js';
import { go } from './state.js';

const decode = (s) => s.replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&amp;/g, '&');

// mrkdwn returns nodes for a text written in Slack's mark-up.
export function mrkdwn(text) {
  const out = [];
  const parts = String(text ?? '').split(/```\n?([\s\S]*?)\n?```/g);
  parts.forEach((part, i) => {
    if (i % 2) out.push(h('pre', null, h('code', null, decode(part))));
    else if (part) out.push(...paragraphs(part.replace(i ? /^\n/ : /^$/, '')));
  });
  return out;
}

function paragraphs(text) {
  const out = [];
  let quote = null;
  const lines = text.split('\n');
  lines.forEach((line, i) => {
    const q = /^(?:&gt;|>)\s?(.*)$/.exec(line);
    if (q) {
      quote = quote || [];
      if (quote.length) quote.push(h('br'));
      quote.push(...inline(q[1]));
      if (i === lines.length - 1) out.push(h('blockquote', null, quote));
      return;
    }
    if (quote) { out.push(h('blockquote', null, quote)); quote = null; if (!line) return; }
    out.push(...inline(line));
    if (i < lines.length - 1 && !/^(?:&gt;|>)/.test(lines[i + 1])) out.push(h('br'));
  });
  return out;
}

const marks = [
  { re: /`([^`\n]+)`/, make: (m) => h('code', null, decode(m[1])) },
  { re: /<([^<>\n]+)>/, make: (m) => angle(m[1]) },
  { re: /(?<![\w*])\*(?=\S)([^*\n]*[^*\s])\*(?![\w*])/, make: (m) => h('strong', null, inline(m[1])) },
  { re: /(?<![\w_])_(?=\S)([^_\n]*[^_\s]|[^\n]*?[^_\s])_(?![\w_])/, make: (m) => h('em', null, inline(m[1])) },
  { re: /(?<![\w~])~(?=\S)([^~\n]*[^~\s])~(?![\w~])/, make: (m) => h('s', null, inline(m[1])) },
  { re: /:([a-z0-9_+-]+(?:::skin-tone-\d)?):/, make: (m) => emojiNode(m[1]) },
  { re: /\bhttps?:\/\/[^\s<>|]+[^\s<>|.,;:!?)'"\]]/, make: (m) => link(decode(m[0])) },
];

// inline handles one line; the earliest mark wins.
export function inline(text) {
  let first = null;
  for (const mark of marks) {
    const m = mark.re.exec(text);
    if (m && (!first || m.index < first.m.index)) first = { mark, m };
  }
  if (!first) return text ? [decode(text)] : [];
  const { mark, m } = first;
  const node = mark.make(m);
  return [
    ...(m.index ? [decode(text.slice(0, m.index))] : []),
    node ?? decode(m[0]),
    ...inline(text.slice(m.index + m[0].length)),
  ];
}

export function emojiNode(name) {
  const g = glyph(name);
  return g ? h('span', { class: 'emoji', role: 'img', 'aria-label': name.replace(/_/g, ' '), title: `:${name}:` }, g) : null;
}

// plain is text with shortcodes resolved and no other mark-up (plain_text objects).
export function plain(obj) {
  const text = typeof obj === 'string' ? obj : obj?.text ?? '';
  return text.replace(/:([a-z0-9_+-]+):/g, (all, name) => glyph(name) || all);
}

function angle(body) {
  const bar = body.indexOf('|');
  const target = bar < 0 ? body : body.slice(0, bar);
  const label = bar < 0 ? '' : decode(body.slice(bar + 1));
  if (target.startsWith('@')) return mention(target.slice(1));
  if (target.startsWith('#')) return channelLink(target.slice(1), label);
  if (target.startsWith('!date^')) {
    const [, unix, format, url] = target.split('^');
    const node = slackDate(unix, decode(format || '')) || label;
    return url ? link(decode(url), node) : node;
  }
  if (target.startsWith('!subteam^')) return h('span', { class: 'mention' }, label || '@team');
  if (target.startsWith('!')) return h('span', { class: 'mention loud' }, '@' + (label || target.slice(1)).replace(/^@/, ''));
  return link(decode(target), label || undefined);
}

export function mention(id) {
  const p = person(id);
  return h('span', { class: id === state.me ? 'mention me' : 'mention', title: p.title || p.name }, '@' + p.name);
}

export function channelLink(id, label) {
  const c = channelOf(id);
  if (!c) return h('span', { class: 'mention' }, label ? '#' + label : '#private channel');
  return h('button', { type: 'button', class: 'mention link', onclick: () => go(id) }, '#' + c.name);
}

// strip is the text without mark-up, for labels and notices.
export function strip(text) {
  return decode(String(text ?? '')
    .replace(/<@([^|>]+)(?:\|[^>]*)?>/g, (_, id) => '@' + person(id).name)
    .replace(/<#([^|>]+)(?:\|([^>]*))?>/g, (_, id, name) => '#' + (channelOf(id)?.name || name || 'channel'))
    .replace(/<!date\^[^|>]*\|([^>]*)>/g, '$1')
    .replace(/<[^|>]+\|([^>]+)>/g, '$1').replace(/<([^>]+)>/g, '$1')
    .replace(/:([a-z0-9_+-]+):/g, (all, name) => glyph(name) || all));
}
