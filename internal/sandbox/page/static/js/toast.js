// Short notices at the edge: an error stays longer than good news, and each can
// be put away.
import { h, $ } from './dom.js';
import { icon } from './icons.js';

// An offer is a button beside the words: {label, run, place}; it goes when the visitor
// is at that place.
export function toast(text, kind, offer) {
  const box = $('toasts');
  const same = [...box.children].find((t) => t.dataset.text === text);
  if (same) same.remove();
  const node = h('div', { class: 'toast ' + (kind || ''), 'data-text': text, 'data-place': offer?.place },
    h('span', null, text),
    offer && h('button', { type: 'button', class: 'quiet offer', onclick: () => { node.remove(); offer.run(); } }, offer.label),
    h('button', { type: 'button', class: 'quiet', 'aria-label': 'Dismiss notice', onclick: () => node.remove() }, icon('close')));
  box.append(node);
  while (box.children.length > 3) box.firstChild.remove();
  setTimeout(() => node.remove(), kind === 'bad' || offer ? 12000 : 5000);
}

// tell runs work and shows what went wrong; it returns whether it went well.
export async function tell(work) {
  try { await work(); return true; } catch (err) {
    if (!err.status && err.status !== 0) console.error(err);
    toast(err.message || String(err), 'bad');
    return false;
  }
}

export function say(text) {
  const live = $('live');
  live.textContent = text;
}
