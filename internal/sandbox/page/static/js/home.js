// The app's home tab, as the app published it for this person.
import { h, patch, memo } from './dom.js';
import { blocks } from './blocks.js';
import { bell } from './icons.js';
import { state } from './state.js';

export function renderHome(root) {
  const home = state.view?.home;
  if (!home?.blocks?.length) {
    patch(root, h('div', { class: 'empty', key: 'none' }, bell(), h('h3', null, 'Nothing here yet'),
      h('p', null, 'The app has not published a home tab for you.')));
    return;
  }
  const sig = state.me + JSON.stringify(home.blocks) + home.id;
  patch(root, memo('home' + state.me, sig, () => h('article', { class: 'home' }, blocks(home.blocks, { view: home.id || 'home' }))));
}
