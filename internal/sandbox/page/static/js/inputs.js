// Input blocks: label, control, hint and error; and how a form of them is read and
// checked before it is sent.
import { h } from './dom.js';
import { plain } from './mrkdwn.js';
import { field, unix } from './fields.js';
import { element } from './elements.js';

export function inputBlock(b, at) {
  const e = b.element || {};
  const id = `in-${at.view || at.ts}-${b.block_id}`.replace(/[^\w-]/g, '_');
  const label = plain(b.label);
  const told = at.errors?.[b.block_id];
  const group = ['checkboxes', 'radio_buttons', 'file_input'].includes(e.type) || e.type?.startsWith('multi_');
  const on = { id, label, labelled: !group, describedby: [b.hint && id + '-hint', told && id + '-error'].filter(Boolean).join(' ') || undefined };
  const control = b.dispatch_action ? element({ ...e, type: e.type }, b, at, label) : field(e, on);
  if (b.dispatch_action) control.id = id;
  control.dataset.block = b.block_id;
  if (told) control.setAttribute('aria-invalid', 'true');
  if (!b.optional) control.setAttribute('aria-required', 'true');
  return h('div', { class: 'b-input' + (told ? ' wrong' : '') },
    h(group ? 'div' : 'label', { class: 'b-label', for: group ? undefined : id }, label, b.optional ? h('small', null, ' (optional)') : null),
    control,
    b.hint && h('small', { class: 'hint', id: id + '-hint' }, plain(b.hint)),
    h('p', { class: 'error', id: id + '-error', role: told ? 'alert' : undefined, hidden: !told }, told || ''));
}

// read collects every control under root as the sandbox wants it:
// block_id -> action_id -> {value | option | options | user | …}.
export function read(root) {
  const out = {};
  for (const node of root.querySelectorAll('[data-kind]')) {
    const got = valueOf(node);
    if (got) (out[node.dataset.block] ||= {})[node.dataset.action] = got;
  }
  return out;
}

function valueOf(node) {
  const kind = node.dataset.kind;
  const picked = node.value;
  switch (kind) {
    case 'static_select': case 'external_select': return picked ? { option: picked } : {};
    case 'users_select': return picked ? { user: picked } : {};
    case 'channels_select': case 'conversations_select': return picked ? { channel: picked } : {};
    case 'multi_static_select': case 'multi_external_select': return { options: node.chosen() };
    case 'multi_users_select': return { users: node.chosen() };
    case 'multi_channels_select': case 'multi_conversations_select': return { channels: node.chosen() };
    case 'checkboxes': return { options: ticked(node) };
    case 'radio_buttons': return ticked(node).length ? { option: ticked(node)[0] } : {};
    case 'datepicker': return picked ? { date: picked } : {};
    case 'timepicker': return picked ? { time: picked } : {};
    case 'datetimepicker': return picked ? { date_time: unix(picked) } : {};
    default: return picked ? { value: picked } : {};
  }
}

const ticked = (node) => [...node.querySelectorAll('input:checked')].map((i) => i.value);

// check is what a client refuses by itself: missing, too short, too long, not a
// number, not an address. It returns sentences by block id.
export function check(list, values) {
  const wrong = {};
  for (const b of list || []) {
    if (b.type !== 'input') continue;
    const e = b.element || {};
    const got = values[b.block_id]?.[e.action_id || ''] || {};
    const text = got.value ?? '';
    const empty = !Object.values(got).some((v) => (Array.isArray(v) ? v.length : String(v).trim() !== ''));
    if (empty) {
      if (!b.optional && e.type !== 'file_input') wrong[b.block_id] = 'Please fill in this field.';
      continue;
    }
    const problem = wordy(e, text);
    if (problem) wrong[b.block_id] = problem;
  }
  return wrong;
}

function wordy(e, text) {
  const n = [...text].length;
  if (e.min_length && text && n < e.min_length) return `At least ${e.min_length} characters, please; this has ${n}.`;
  if (e.max_length && n > e.max_length) return `At most ${e.max_length} characters, please; this has ${n}.`;
  if (e.type === 'email_text_input' && !/^[^@\s]+@[^@\s]+$/.test(text)) return 'This is not an e-mail address.';
  if (e.type === 'url_text_input' && !/^https?:\/\/\S+$/i.test(text)) return 'This is not a web address.';
  if (e.type !== 'number_input') return '';
  const value = Number(text);
  if (!Number.isFinite(value)) return 'This is not a number.';
  if (!e.is_decimal_allowed && !Number.isInteger(value)) return 'A whole number, please.';
  if (e.min_value !== undefined && value < Number(e.min_value)) return `At least ${e.min_value}, please.`;
  if (e.max_value !== undefined && value > Number(e.max_value)) return `At most ${e.max_value}, please.`;
  return '';
}
