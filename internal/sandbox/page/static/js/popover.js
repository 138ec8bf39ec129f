// One small floating panel at a time, beside what opened it. Escape or a click
// elsewhere closes it and gives the focus back.
import { h } from './dom.js';

let open = null;

export function popover(anchor, label, fill, cls) {
  const again = open?.anchor === anchor;
  closePopover();
  if (again) return;
  const box = h('div', { class: 'popover ' + (cls || ''), role: 'dialog', 'aria-label': label });
  fill(box);
  (anchor.closest('dialog') || document.body).append(box);
  place(anchor, box);
  const key = (e) => {
    if (e.key === 'Escape') { e.preventDefault(); e.stopPropagation(); closePopover(true); }
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') step(e, box);
  };
  const away = (e) => { if (!box.contains(e.target) && !anchor.contains(e.target)) closePopover(); };
  box.addEventListener('keydown', key);
  document.addEventListener('pointerdown', away, true);
  anchor.setAttribute('aria-expanded', 'true');
  open = { anchor, box, away };
  (box.querySelector('input, [aria-checked=true]') || box.querySelector('button'))?.focus({ preventScroll: true });
}

export function closePopover(refocus) {
  if (!open) return;
  const { anchor, box, away } = open;
  open = null;
  document.removeEventListener('pointerdown', away, true);
  box.remove();
  anchor.setAttribute('aria-expanded', 'false');
  if (refocus) anchor.focus();
}

// menu is a popover of choices: {label, note, mark, danger, run, icon}.
export function menu(anchor, label, items) {
  popover(anchor, label, (box) => {
    box.setAttribute('role', 'menu');
    for (const item of items) {
      if (item === '-') { box.append(h('hr')); continue; }
      box.append(h('button', {
        type: 'button', class: 'choice' + (item.danger ? ' danger' : ''), role: item.checked === undefined ? 'menuitem' : 'menuitemradio',
        'aria-checked': item.checked === undefined ? undefined : String(item.checked),
        onclick: () => { closePopover(true); item.run(); },
      }, item.icon, h('span', { class: 'choice-text' }, h('span', null, item.label), item.note && h('small', null, item.note))));
    }
  }, 'menu');
}

function place(anchor, box) {
  const a = anchor.getBoundingClientRect();
  const w = box.offsetWidth;
  const tall = box.offsetHeight;
  const left = Math.max(8, Math.min(a.left, innerWidth - w - 8));
  const below = a.bottom + 4;
  const top = below + tall < innerHeight - 8 ? below : Math.max(8, a.top - tall - 4);
  box.style.left = left + 'px';
  box.style.top = top + 'px';
}

function step(e, box) {
  const items = [...box.querySelectorAll('button')];
  const at = items.indexOf(document.activeElement);
  if (!items.length || box.querySelector('input') === document.activeElement && e.key === 'ArrowUp') return;
  e.preventDefault();
  items[(at + (e.key === 'ArrowDown' ? 1 : items.length - 1) + items.length) % items.length].focus();
}
