// Pictures come from this machine or not at all: a picture elsewhere is offered as
// a link, so that looking at the sandbox tells nobody.
import { h } from './dom.js';
import { link } from './links.js';
import { icon } from './icons.js';

export function picture(url, alt, size) {
  if (!local(url)) return h('span', { class: 'no-picture ' + size }, alt || 'picture', url && size === 'large' ? [' ', link(url, 'open')] : null);
  return h('img', { src: url, alt: alt || '', class: 'picture ' + size, loading: 'lazy', referrerpolicy: 'no-referrer' });
}

function local(url) {
  try {
    const u = new URL(url, location.href);
    return u.protocol === 'http:' && ['127.0.0.1', 'localhost', location.hostname].includes(u.hostname);
  } catch { return false; }
}

export function files(list) {
  if (!list?.length) return null;
  return h('div', { class: 'files' }, list.map((f) => h('div', { class: 'file', key: f.id },
    h('span', { class: 'file-mark' }, icon('clip')),
    h('span', { class: 'file-name' }, f.title || f.name, h('small', null, `${f.mimetype || 'file'} · ${bytes(f.size)}`)))));
}

function bytes(n) {
  if (n < 1024) return `${n} B`;
  if (n < 1048576) return `${(n / 1024).toFixed(1)} kB`;
  return `${(n / 1048576).toFixed(1)} MB`;
}
