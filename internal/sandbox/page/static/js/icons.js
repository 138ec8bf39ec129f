// Small line icons of our own, drawn on a 20 by 20 grid.
import { svg } from './dom.js';

const paths = {
  hash: 'M8 3 6.5 17M13.5 3 12 17M3.5 7.5h13.5M3 12.5h13.5',
  lock: 'M5.5 9h9v7.5h-9zM7.5 9V6.5a2.5 2.5 0 0 1 5 0V9',
  close: 'M5 5l10 10M15 5 5 15',
  menu: 'M3 5.5h14M3 10h14M3 14.5h14',
  smile: 'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM7 11.5c.7 1.3 1.7 2 3 2s2.3-.7 3-2M7.5 8v.1M12.5 8v.1',
  reply: 'M4 5h12v8h-6l-3.5 3v-3H4z',
  more: 'M5 10h.01M10 10h.01M15 10h.01',
  pin: 'M7.5 3h5l-.5 5 2.5 3h-9L8 8zM10 11v6',
  search: 'M9 14.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM13 13l4 4',
  sun: 'M10 13.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM10 1.5v2M10 16.5v2M1.5 10h2M16.5 10h2M4 4l1.4 1.4M14.6 14.6 16 16M16 4l-1.4 1.4M5.4 14.6 4 16',
  moon: 'M16.5 11.5A7 7 0 1 1 8.5 3.5a5.5 5.5 0 0 0 8 8z',
  clock: 'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM10 6v4.3l2.8 1.7',
  bolt: 'M11 2.5 5 11h4.5L9 17.5 15 9h-4.5z',
  pager: 'M3.5 5h13v10h-13zM6 8h8v2.5H6zM6.5 13h.01M10 13h3.5',
  issue: 'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM10 11.2a1.2 1.2 0 1 0 0-2.4 1.2 1.2 0 0 0 0 2.4z',
  send: 'M3.5 10 16.5 4l-4 12.5-3-5zM9.5 11.5 16.5 4',
  home: 'M3.5 9.5 10 3.5l6.5 6M5.5 8.5v8h9v-8',
  mark: 'M6 3.5h8v13l-4-3-4 3z',
  plus: 'M10 4v12M4 10h12',
  down: 'M5 8l5 5 5-5',
  back: 'M12.5 4.5 7 10l5.5 5.5',
  people: 'M7.5 10a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2.5 16c.4-3 2.3-4.5 5-4.5s4.6 1.5 5 4.5M13 10a2.5 2.5 0 0 0 0-5M14.5 12c1.8.5 2.8 1.8 3 4',
  check: 'M4 10.5l4 4 8-9',
  eye: 'M2.5 10C4.3 6.7 6.8 5 10 5s5.7 1.7 7.5 5c-1.8 3.3-4.3 5-7.5 5s-5.7-1.7-7.5-5zM10 12.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4z',
  clip: 'M13.5 7v6a3.5 3.5 0 0 1-7 0V6a2.3 2.3 0 0 1 4.6 0v6.5',
  slash: 'M12.5 3.5l-5 13',
};

export function icon(name) {
  return svg('svg', { class: 'icon', viewBox: '0 0 20 20', 'aria-hidden': 'true' },
    svg('path', { d: paths[name], fill: 'none', stroke: 'currentColor', 'stroke-width': name === 'more' ? 2.6 : 1.6, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' }));
}

export function bell() {
  return svg('svg', { class: 'bell', viewBox: '0 0 32 32', 'aria-hidden': 'true' },
    svg('path', { class: 'bell-body', d: 'M16 3a2.2 2.2 0 0 1 2.2 2.2v.9c4.2 1 6.8 4.7 6.8 9v5.2l2.2 3.1a1 1 0 0 1-.8 1.6H5.6a1 1 0 0 1-.8-1.6L7 20.3v-5.2c0-4.3 2.6-8 6.8-9v-.9A2.2 2.2 0 0 1 16 3z' }),
    svg('path', { class: 'bell-tongue', d: 'M12.4 26.8a3.6 3.6 0 0 0 7.2 0z' }));
}
