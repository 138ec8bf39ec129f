// Completion above the message box. While a command's name is typed it offers
// names; once its words are complete it keeps the usage in sight.
import { h } from './dom.js';
import { state, person } from './state.js';
import { avatar } from './avatar.js';
import { findEmoji, glyph } from './emoji.js';

const most = 9;

export function completion(text, id, slashes) {
  const box = h('div', { class: 'complete', id, role: 'listbox', 'aria-label': 'Suggestions', hidden: true });
  let items = [];
  let at = 0;

  const close = () => { items = []; box.hidden = true; text.setAttribute('aria-expanded', 'false'); text.removeAttribute('aria-activedescendant'); };
  const draw = () => {
    box.replaceChildren(...items.map((it, i) => h('div', {
      class: 'suggestion' + (i === at ? ' on' : ''), role: 'option', id: `${id}-${i}`, 'aria-selected': String(i === at),
      onpointerdown: (e) => { e.preventDefault(); take(i); },
    }, it.mark, h('span', { class: 'suggestion-text' }, h('span', null, h('strong', null, it.label), it.usage && h('code', null, it.usage)), it.help && h('small', null, it.help)))),
    h('p', { class: 'complete-keys', 'aria-hidden': 'true' }, 'Tab takes it · arrows choose · Esc closes'));
    box.hidden = false;
    text.setAttribute('aria-expanded', 'true');
    text.setAttribute('aria-activedescendant', `${id}-${at}`);
    box.children[at]?.scrollIntoView({ block: 'nearest' });
  };
  const take = (i) => {
    const it = items[i];
    if (!it) return;
    const end = text.selectionStart;
    text.setRangeText(it.insert, it.from, end, 'end');
    text.focus();
    text.oninput();
  };
  const usage = (c) => {
    items = [];
    box.replaceChildren(h('div', { class: 'usage' }, h('strong', null, c.text), ' ', c.usage && h('code', null, c.usage), c.help && h('small', null, c.help)));
    box.hidden = false;
    text.setAttribute('aria-expanded', 'false');
  };

  const update = () => {
    const head = text.value.slice(0, text.selectionStart);
    const found = slashes && head.startsWith('/') && !head.includes('\n') ? commands(head) : words(head);
    if (found.length) { items = found; at = 0; draw(); return; }
    const whole = slashes && text.value.startsWith('/') && all().filter((c) => text.value.toLowerCase().startsWith(c.text.toLowerCase() + ' ')).sort((a, b) => b.text.length - a.text.length)[0];
    if (whole) { usage(whole); return; }
    close();
  };

  const key = (e) => {
    if (box.hidden) return false;
    if (e.key === 'Escape') { e.preventDefault(); close(); return true; }
    if (!items.length) return false;
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
      e.preventDefault();
      at = (at + (e.key === 'ArrowDown' ? 1 : items.length - 1)) % items.length;
      draw();
      return true;
    }
    const typed = text.value.trim().toLowerCase();
    if (e.key === 'Tab' || (e.key === 'Enter' && !e.shiftKey && items[at].insert.trim().toLowerCase() !== typed)) {
      e.preventDefault();
      take(at);
      return true;
    }
    return false;
  };
  return { box, update, key, close };
}

function all() {
  const known = state.setup.completions || [];
  const names = new Set(known.map((c) => c.text.split(' ')[0]));
  return [...known, ...(state.view?.commands || []).filter((c) => !names.has(c.command)).map((c) => ({ text: c.command, usage: c.usage_hint, help: c.description }))];
}

function commands(head) {
  const part = head.toLowerCase();
  const hits = all().filter((c) => c.text.toLowerCase().startsWith(part));
  const inside = part.length > 2 ? all().filter((c) => !hits.includes(c) && c.text.toLowerCase().split(' ').pop().startsWith(part.slice(1))) : [];
  return [...hits, ...inside].slice(0, 40).map((c) => ({ label: c.text, usage: c.usage, help: c.help, insert: c.text + ' ', from: 0 }));
}

function words(head) {
  const at = /(?:^|\s)@([\w.-]*)$/.exec(head);
  if (at) return people(at[1].toLowerCase(), head.length - at[1].length - 1);
  const colon = /(?:^|\s):([a-z0-9_+-]{2,})$/.exec(head);
  if (colon) {
    return findEmoji(colon[1], most).map((n) => ({ label: `:${n}:`, mark: h('span', { class: 'emoji' }, glyph(n)), insert: `:${n}: `, from: head.length - colon[1].length - 1 }));
  }
  return [];
}

function people(part, from) {
  return (state.view?.users || []).filter((u) => !u.deleted && u.id !== 'USLACKBOT')
    .map((u) => ({ ...u, shown: person(u.id).name }))
    .filter((u) => u.name.toLowerCase().startsWith(part) || u.shown.toLowerCase().split(/\s+/).some((w) => w.startsWith(part)))
    .slice(0, most)
    .map((u) => ({ label: u.shown, usage: '@' + u.name, help: u.title || (u.bot ? 'app' : ''), mark: avatar(u.id, '', true), insert: `@${u.name} `, from }));
}
