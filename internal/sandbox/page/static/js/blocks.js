// Block Kit, as a bot uses it, drawn as nodes. `at` says where the blocks live:
// {channel, ts} for a message, {view} for a modal or the home tab; at.form marks
// a modal whose inputs are read on submit.
import { h } from './dom.js';
import { mrkdwn, plain, strip } from './mrkdwn.js';
import { rich } from './richtext.js';
import { element } from './elements.js';
import { inputBlock } from './inputs.js';
import { picture } from './files.js';

const draw = {
  header: (b) => h('h3', { class: 'b-header' }, plain(b.text)),
  divider: () => h('hr', { class: 'b-divider' }),
  section,
  context: (b) => h('div', { class: 'b-context' }, (b.elements || []).map((e) =>
    e.type === 'image' ? picture(e.image_url, e.alt_text, 'tiny') : h('span', null, text(e)))),
  actions: (b, at) => h('div', { class: 'b-actions', role: 'group', 'aria-label': 'Actions' },
    (b.elements || []).map((e) => element(e, b, at))),
  rich_text: (b) => h('div', { class: 'b-rich' }, rich(b.elements || [])),
  markdown: (b) => h('div', { class: 'b-section' }, String(b.text || '')),
  image: (b) => h('figure', { class: 'b-image' },
    picture(b.image_url || b.slack_file?.url, b.alt_text, 'large'),
    b.title && h('figcaption', null, plain(b.title))),
  input: (b, at) => inputBlock(b, at),
  file: (b) => h('div', { class: 'b-context' }, 'file ' + (b.external_id || '')),
  video: (b) => h('div', { class: 'b-context' }, 'video: ' + plain(b.title)),
};

// blocks returns one node per block, keyed by block id.
export function blocks(list, at) {
  return (list || []).map((b, i) => {
    const make = draw[b.type];
    const node = make ? make(b, at) : h('div', { class: 'b-unknown' }, `The page cannot draw a “${b.type}” block.`);
    node.key = b.block_id || `${b.type}-${i}`;
    return node;
  });
}

function section(b, at) {
  const words = [
    b.text && h('div', { class: 'b-text' }, text(b.text)),
    b.fields && h('div', { class: 'b-fields' }, b.fields.map((f) => h('div', null, text(f)))),
  ];
  if (!b.accessory) return h('div', { class: 'b-section' }, words);
  const side = b.accessory.type === 'image'
    ? picture(b.accessory.image_url, b.accessory.alt_text, 'thumb')
    : element(b.accessory, b, at, b.text ? strip(b.text.text) : '');
  return h('div', { class: 'b-section with-side' }, h('div', { class: 'b-words' }, words), h('div', { class: 'b-side' }, side));
}

export function text(obj) {
  if (!obj) return [];
  return obj.type === 'mrkdwn' ? mrkdwn(obj.text) : lines(plain(obj));
}

function lines(s) {
  return s.split('\n').flatMap((line, i) => (i ? [h('br'), line] : [line]));
}
