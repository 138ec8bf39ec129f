// The modal on top of this person's stack. The app may update it while it is open:
// what was typed stays, because the form is patched and not redrawn.
import { h, patch } from './dom.js';
import { blocks } from './blocks.js';
import { plain } from './mrkdwn.js';
import { read, check } from './inputs.js';
import { post } from './api.js';
import { icon } from './icons.js';
import { state, refresh } from './state.js';
import { toast } from './toast.js';

let box = null;
let shown = '';
let own = null; // complaints of the last try, by block id
let sending = false;
let leaving = '';

export function renderModal() {
  const modal = state.view?.modal;
  if (!modal || leaving === modal.id) { if (!modal) leaving = ''; hide(); return; }
  if (!box) {
    box = h('dialog', { class: 'modal', 'aria-labelledby': 'modal-title', oncancel: (e) => { e.preventDefault(); leave(); } });
    box.addEventListener('keydown', (e) => { if (e.key === 'Enter' && (e.metaKey || e.ctrlKey)) { e.preventDefault(); submit(); } });
    document.body.append(box);
    box.showModal();
  }
  const fresh = shown !== modal.id;
  if (fresh) { shown = modal.id; own = null; sending = false; box.replaceChildren(); }
  draw(modal);
  if (fresh) (box.querySelector('[autofocus]') || box.querySelector('.modal-body input, .modal-body textarea, .modal-body select'))?.focus();
}

function hide() {
  if (!box) return;
  box.close();
  box.remove();
  box = null;
  shown = '';
}

function draw(modal) {
  const v = modal.view || {};
  const errors = own || modal.errors || {};
  const at = { view: modal.id, form: true, errors };
  const known = new Set((v.blocks || []).map((b) => b.block_id));
  const stray = Object.entries(errors).filter(([id]) => !known.has(id)).map(([, text]) => text);
  patch(box, h('form', { class: 'modal-form', novalidate: true, onsubmit: (e) => { e.preventDefault(); submit(); } },
    h('header', { class: 'modal-head' },
      h('h2', { id: 'modal-title' }, plain(v.title) || 'Tocsin'),
      h('button', { type: 'button', class: 'quiet', 'aria-label': 'Close', onclick: leave }, icon('close'))),
    h('div', { class: 'modal-body' },
      stray.length ? h('p', { class: 'error', role: 'alert' }, stray.join(' ')) : null,
      blocks(v.blocks, at)),
    h('footer', { class: 'modal-foot' },
      h('button', { type: 'button', class: 'btn', onclick: leave }, plain(v.close) || (v.submit ? 'Cancel' : 'Close')),
      v.submit ? h('button', { type: 'submit', class: 'btn primary' + (sending ? ' working' : ''), disabled: sending }, plain(v.submit)) : null)));
}

async function submit() {
  const modal = state.view?.modal;
  if (!modal || sending || !modal.view?.submit) return;
  const values = read(box);
  const wrong = check(modal.view?.blocks, values);
  if (Object.keys(wrong).length) { complain(modal, wrong); return; }
  own = null;
  sending = true;
  draw(modal);
  try {
    await post('submit', { user: state.me, view_id: modal.id, state: values });
  } catch (err) {
    if (err.fields) complain(modal, err.fields);
    else toast(err.message, 'bad');
  } finally {
    sending = false;
    if (box && state.view?.modal) draw(state.view.modal);
    refresh('slack');
  }
}

function complain(modal, wrong) {
  own = wrong;
  if (!box) return;
  draw(modal);
  box.querySelector('[aria-invalid]')?.focus();
}

async function leave() {
  const modal = state.view?.modal;
  if (!modal) return;
  leaving = modal.id;
  hide();
  try { await post('close', { user: state.me, view_id: modal.id }); } catch (err) { toast(err.message, 'bad'); }
  refresh('slack');
}
