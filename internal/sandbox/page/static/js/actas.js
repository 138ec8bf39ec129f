// In a vendor's panel a visitor may act as somebody else than in the chat: the
// person whose phone rings is often not the one who types.
import { h } from './dom.js';
import { state, set } from './state.js';

const able = (vendor) => state.setup.personas.filter((p) => p[vendor]);

// acting is the persona, by Slack id, who acts in a vendor's panel: the one chosen,
// else the visitor, else the first who has an account there.
export function acting(vendor) {
  const list = able(vendor);
  const has = (id) => list.some((p) => p.slack === id);
  return [state.actAs?.[vendor], state.me].find(has) || list[0]?.slack || state.me;
}

export function chooseActing(vendor, label) {
  const list = able(vendor);
  if (list.length < 2 && list[0]?.slack === state.me) return null;
  return h('label', { class: 'act-as', key: 'as' }, h('span', null, label),
    h('select', { class: 'field select', value: acting(vendor), onchange: (e) => set({ actAs: { ...state.actAs, [vendor]: e.target.value } }) },
      list.map((p) => h('option', { value: p.slack }, [p.name + (p.slack === state.me ? ' (you)' : ''), p.title].filter(Boolean).join(', ')))));
}
