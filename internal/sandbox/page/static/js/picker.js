// A small emoji picker: the war room's favourites first, the rest by typing.
import { h } from './dom.js';
import { popover, closePopover } from './popover.js';
import { favourites, findEmoji, glyph } from './emoji.js';

export function pickEmoji(anchor, picked) {
  popover(anchor, 'Pick an emoji', (box) => {
    const grid = h('div', { class: 'emoji-grid' });
    const show = (names) => grid.replaceChildren(...names.map((n) => h('button', { type: 'button', class: 'emoji-choice', 'aria-label': n.replace(/_/g, ' '), title: `:${n}:`, onclick: () => { closePopover(true); picked(n); } }, glyph(n))));
    const input = h('input', { type: 'text', class: 'field', placeholder: 'Search, e.g. pushpin', 'aria-label': 'Search emoji', autocomplete: 'off',
      oninput: () => show(input.value ? findEmoji(input.value.replace(/:/g, ''), 40) : favourites),
      onkeydown: (e) => { if (e.key === 'Enter') { e.preventDefault(); grid.firstChild?.click(); } } });
    show(favourites);
    box.append(input, grid);
  }, 'picker');
}
