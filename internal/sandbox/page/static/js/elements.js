// Elements a person presses or picks outside of a form. Each tells the sandbox at
// once; a confirm dialog is asked first.
import { h } from './dom.js';
import { plain, strip } from './mrkdwn.js';
import { post } from './api.js';
import { ask } from './dialog.js';
import { menu } from './popover.js';
import { icon } from './icons.js';
import { visit } from './links.js';
import { state } from './state.js';
import { toast } from './toast.js';
import { field } from './fields.js';

export function element(e, block, at, label) {
  if (e.type === 'button' || e.type === 'workflow_button') return button(e, block, at);
  if (e.type === 'overflow') return overflow(e, block, at);
  if (e.type === 'image') return h('span', null, e.alt_text);
  const control = field(e, {
    id: `${at.ts || at.view}-${block.block_id}-${e.action_id}`.replace(/[^\w-]/g, '_'),
    label: label || plain(e.placeholder) || 'Choose',
    picked: (value, values) => press(e, block, at, value, values, control),
  });
  control.dataset.block = block.block_id;
  return control;
}

function button(e, block, at) {
  const style = e.style === 'primary' ? ' primary' : e.style === 'danger' ? ' danger' : '';
  const node = h('button', {
    type: 'button', class: 'btn' + style, 'aria-label': e.accessibility_label, 'data-action': e.action_id,
    onclick: () => {
      visit(e.url);
      return press(e, block, at, e.value || '', undefined, node);
    },
  }, plain(e.text), e.url ? h('span', { class: 'unseen' }, ' (a link)') : null);
  return node;
}

function overflow(e, block, at) {
  const node = h('button', {
    type: 'button', class: 'btn icon-btn', 'aria-label': 'More actions', 'aria-haspopup': 'menu',
    onclick: () => menu(node, 'More actions', (e.options || []).map((o) => ({
      label: plain(o.text), note: o.description && plain(o.description),
      run: () => {
        visit(o.url);
        press(e, block, at, o.value, undefined, node);
      },
    }))),
  }, icon('more'));
  return node;
}

// press sends one interaction. The sandbox answers 409 when the element wants a
// confirmation that was not given.
async function press(e, block, at, value, values, node) {
  let confirmed = false;
  if (e.confirm) {
    confirmed = await ask({
      title: plain(e.confirm.title), text: strip(e.confirm.text?.text),
      confirm: plain(e.confirm.confirm), deny: plain(e.confirm.deny), style: e.confirm.style || e.style,
    });
    if (!confirmed) return;
  }
  const click = {
    user: state.me, channel: at.channel || '', message_ts: at.ts || '', view_id: at.view || '',
    block_id: block.block_id || '', action_id: e.action_id || '', value: value ?? '', values: values || [], confirmed,
  };
  node?.classList.add('working');
  try {
    await post('click', click);
  } catch (err) {
    if (err.code === 'confirm' && await ask({ ...err.confirm })) await post('click', { ...click, confirmed: true }).catch((again) => toast(again.message, 'bad'));
    else if (err.code !== 'confirm') toast(err.message, 'bad');
  } finally {
    node?.classList.remove('working');
  }
}
