// rich_text blocks: sections, lists, quotes and preformatted text.
import { h } from './dom.js';
import { emojiNode, mention, channelLink } from './mrkdwn.js';
import { link } from './links.js';
import { slackDate } from './time.js';

export function rich(elements) {
  return elements.map((e) => {
    switch (e.type) {
      case 'rich_text_section': return h('div', { class: 'rt-section' }, (e.elements || []).map(piece));
      case 'rich_text_quote': return h('blockquote', null, (e.elements || []).map(piece));
      case 'rich_text_preformatted': return h('pre', null, h('code', null, (e.elements || []).map((x) => x.text || x.url || '')));
      case 'rich_text_list': return list(e);
      default: return h('span', null);
    }
  });
}

function list(e) {
  const items = (e.elements || []).map((x) => h('li', null, (x.elements || []).map(piece)));
  const cls = `rt-list indent${Math.min(4, e.indent || 0)}`;
  return e.style === 'ordered' ? h('ol', { class: cls, start: e.offset ? e.offset + 1 : undefined }, items) : h('ul', { class: cls }, items);
}

function piece(e) {
  return styled(bare(e), e.style || {});
}

function bare(e) {
  switch (e.type) {
    case 'text': return broken(e.text || '');
    case 'link': return link(e.url, e.text);
    case 'user': return mention(e.user_id);
    case 'channel': return channelLink(e.channel_id);
    case 'emoji': return emojiNode(e.name) || `:${e.name}:`;
    case 'broadcast': return h('span', { class: 'mention loud' }, '@' + e.range);
    case 'usergroup': return h('span', { class: 'mention' }, '@team');
    case 'date': return slackDate(e.timestamp, e.format || '{date_num}') || e.fallback || '';
    case 'color': return h('code', null, e.value);
    default: return e.text || '';
  }
}

function broken(text) {
  const parts = text.split('\n');
  if (parts.length === 1) return text;
  return h('span', null, parts.flatMap((p, i) => (i ? [h('br'), p] : [p])));
}

function styled(node, style) {
  if (style.code) node = h('code', null, node);
  if (style.bold) node = h('strong', null, node);
  if (style.italic) node = h('em', null, node);
  if (style.strike) node = h('s', null, node);
  return node;
}
