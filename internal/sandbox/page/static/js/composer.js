// Where a person writes. Enter sends, Shift and Enter makes a line; a slash offers
// the app's commands, @ the people, : the emoji.
import { h, patch, memo, $ } from './dom.js';
import { state, here, refresh } from './state.js';
import { icon } from './icons.js';
import { post } from './api.js';
import { tell, toast } from './toast.js';
import { menu } from './popover.js';
import { completion } from './complete.js';
import { other } from './sidebar.js';

const maxText = 40000; // characters; Slack cuts longer messages
const drafts = new Map();
const sent = []; // slash lines, newest last, for the arrow key

export function renderComposer(root) {
  const c = here();
  if (state.place === 'home' || !c) { patch(root); return; }
  if (c.archived) { patch(root, h('p', { class: 'bar-note', key: 'archived' }, icon('lock'), 'This channel is archived: it can be read, not written to.')); return; }
  if (!c.member && !c.im) {
    patch(root, h('div', { class: 'bar-note', key: 'join' + c.id }, h('span', null, 'You are looking at ', h('strong', null, '#' + c.name)),
      h('button', { type: 'button', class: 'btn primary', onclick: () => tell(() => post('join', { user: state.me, channel: c.id })) }, 'Join')));
    return;
  }
  patch(root, memo('box' + c.id + state.me, '', () => composer({ id: 'composer', label: c.im ? `Message ${other(c).name}` : `Message #${c.name}` })));
}

export function composer(o) {
  const place = state.place;
  const slot = `${state.me}/${place}/${o.thread || ''}`;
  const text = h('textarea', {
    id: o.id + '-text', rows: 1, placeholder: o.thread ? o.label : innerWidth < 500 ? 'Message, or / for commands' : `${short(o.label)}, or / for commands`, 'aria-label': o.label, maxlength: maxText, autocomplete: 'off', spellcheck: 'true',
    role: 'combobox', 'aria-expanded': 'false', 'aria-controls': o.id + '-list', 'aria-autocomplete': 'list', enterkeyhint: 'send', value: drafts.get(slot) || '',
  });
  const send = h('button', { type: 'button', class: 'send', 'aria-label': 'Send' }, icon('send'));
  const help = completion(text, o.id + '-list', !o.thread);
  const grow = () => { text.style.height = 'auto'; text.style.height = Math.min(text.scrollHeight, 180) + 'px'; send.classList.toggle('ready', Boolean(text.value.trim())); };
  const clear = () => { text.value = ''; drafts.delete(slot); grow(); help.update(); };

  const submit = async () => {
    const line = text.value.trim();
    if (!line) return;
    help.close();
    const slash = /^\/[a-z]/i.test(line);
    if (slash && o.thread) { toast('Slash commands do not work in threads. Mention the app instead: @tocsin …', 'bad'); return; }
    if (slash) sent.push(line);
    clear();
    send.classList.add('working');
    const body = { user: state.me, channel: place, text: line };
    const well = await tell(() => (slash ? post('slash', body) : post('post', { ...body, thread_ts: o.thread || '' })));
    send.classList.remove('working');
    if (!well && !text.value) { text.value = line; grow(); }
    refresh('slack');
  };
  text.oninput = () => { drafts.set(slot, text.value); grow(); help.update(); };
  text.onkeydown = (e) => {
    if (help.key(e)) return;
    if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) { e.preventDefault(); submit(); }
    if (e.key === 'ArrowUp' && !text.value && sent.length && !o.thread) { e.preventDefault(); text.value = sent.at(-1); text.oninput(); }
  };
  // Some keyboards send the character by itself after the key.
  text.onkeypress = (e) => { if (e.key === 'Enter' && !e.shiftKey) e.preventDefault(); };
  text.onblur = () => setTimeout(() => help.close(), 150);
  send.onclick = submit;
  requestAnimationFrame(grow);
  return h('div', { class: 'composer', 'data-own': true }, help.box, h('div', { class: 'composer-row' },
    o.thread ? null : shortcuts(), text, send));
}

const short = (s) => (s.length > 36 ? s.slice(0, 35) + '…' : s);

function shortcuts() {
  const list = (state.view.shortcuts || []).filter((s) => s.type === 'global');
  const items = () => [
    { label: 'Slash command', note: 'Type / and choose', icon: icon('slash'), run: () => fill('/') },
    ...list.map((s) => ({ label: s.name, note: s.description, icon: icon('bolt'), run: () => tell(() => post('shortcut', { user: state.me, callback_id: s.callback_id })) })),
  ];
  return h('button', { type: 'button', class: 'quiet plus', 'aria-label': 'Shortcuts', 'aria-haspopup': 'menu', onclick: (e) => menu(e.currentTarget, 'Shortcuts', items()) }, icon('plus'));
}

// fill puts words into the message box, for hints and menus.
export function fill(words) {
  const text = $('composer-text');
  if (!text) return;
  text.value = words;
  text.focus();
  text.setSelectionRange(words.length, words.length);
  text.oninput();
}
