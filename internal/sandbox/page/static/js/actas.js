// In a vendor's panel a visitor may act as somebody else than in the chat: the
// person whose phone rings is often not the one who types.
import { h } from './dom.js';
import { state, set } from './state.js';

const able = (vendor) => state.setup.personas.filter((p) => p[vendor]);

// acting is the persona, by Slack id, who acts in a vendor's panel: the one chosen,
// else whoever's phone rings, else the visitor, else the first who has an account.
export function acting(vendor) {
  const list = able(vendor);
  const has = (id) => list.some((p) => p.slack === id);
  return [state.actAs?.[vendor], vendor === 'pagerduty' && ringing(list), state.me].find(has) || list[0]?.slack || state.me;
}

// ringing is whose phone rings: the visitor's own before anybody else's.
function ringing(list) {
  const called = (state.pagerduty?.incidents || []).filter((i) => i.status === 'triggered').flatMap((i) => i.assigned || []).map((a) => a.id);
  const found = list.filter((p) => called.includes(p.pagerduty)).map((p) => p.slack);
  return found.includes(state.me) ? state.me : found[0];
}

export function chooseActing(vendor, label) {
  const list = able(vendor);
  if (list.length < 2 && list[0]?.slack === state.me) return null;
  return h('label', { class: 'act-as', key: 'as' }, h('span', null, label),
    h('select', { class: 'field select', value: acting(vendor), onchange: (e) => set({ actAs: { ...state.actAs, [vendor]: e.target.value } }) },
      list.map((p) => h('option', { value: p.slack }, [p.name + (p.slack === state.me ? ' (you)' : ''), p.title].filter(Boolean).join(', ')))));
}
