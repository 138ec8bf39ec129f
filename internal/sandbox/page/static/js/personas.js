// A visitor is one of several people, and may change who at any time.
import { menu } from './popover.js';
import { avatar } from './avatar.js';
import { state, become } from './state.js';

export function personaMenu(anchor) {
  menu(anchor, 'Be somebody else', state.setup.personas.map((p) => ({
    label: p.name, note: p.title, checked: p.slack === state.me, icon: avatar(p.slack), run: () => become(p.slack),
  })));
}
