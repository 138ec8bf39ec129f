// Controls a person fills in: selects of every kind, dates, checkboxes, text. The
// node carries what it is (data-action, data-kind), so that a form can be read.
// on.picked(value, values) is called on every change, where given.
import { h } from './dom.js';
import { plain } from './mrkdwn.js';
import { icon } from './icons.js';
import { state, person } from './state.js';

export function field(e, on) {
  const make = kinds[e.type];
  const node = make ? make(e, on) : h('span', { class: 'b-unknown' }, `The page cannot draw “${e.type}”.`);
  if (make) { node.dataset.action = e.action_id || ''; node.dataset.kind = e.type; }
  return node;
}

const kinds = {
  plain_text_input: (e, on) => text(e, on, e.multiline ? 'textarea' : 'text'),
  email_text_input: (e, on) => text(e, on, 'email'),
  url_text_input: (e, on) => text(e, on, 'url'),
  number_input: (e, on) => text(e, on, 'number'),
  rich_text_input: (e, on) => text(e, on, 'textarea'),
  static_select: (e, on) => select(e, on, groups(e), e.initial_option?.value),
  external_select: (e, on) => select(e, on, e.initial_option ? [option(e.initial_option)] : [], e.initial_option?.value),
  users_select: (e, on) => select(e, on, people(), e.initial_user),
  conversations_select: (e, on) => select(e, on, places(), e.initial_conversation),
  channels_select: (e, on) => select(e, on, places(), e.initial_channel),
  multi_static_select: (e, on) => many(e, on, groups(e), (e.initial_options || []).map((o) => o.value)),
  multi_external_select: (e, on) => many(e, on, (e.initial_options || []).map(option), (e.initial_options || []).map((o) => o.value)),
  multi_users_select: (e, on) => many(e, on, people(), e.initial_users || []),
  multi_conversations_select: (e, on) => many(e, on, places(), e.initial_conversations || []),
  multi_channels_select: (e, on) => many(e, on, places(), e.initial_channels || []),
  datepicker: (e, on) => when(e, on, 'date', e.initial_date),
  timepicker: (e, on) => when(e, on, 'time', e.initial_time),
  datetimepicker: (e, on) => when(e, on, 'datetime-local', e.initial_date_time && localTime(e.initial_date_time)),
  checkboxes: (e, on) => ticks(e, on, 'checkbox', (e.initial_options || []).map((o) => o.value)),
  radio_buttons: (e, on) => ticks(e, on, 'radio', e.initial_option ? [e.initial_option.value] : []),
  file_input: () => h('span', { class: 'b-unknown' }, 'Files cannot be attached in the sandbox.'),
};

const option = (o) => ({ value: o.value, label: plain(o.text), note: o.description && plain(o.description) });

function groups(e) {
  if (!e.option_groups) return (e.options || []).map(option);
  return e.option_groups.map((g) => ({ group: plain(g.label), options: (g.options || []).map(option) }));
}

const people = () => (state.view?.users || []).filter((u) => !u.deleted && u.id !== 'USLACKBOT')
  .map((u) => ({ value: u.id, label: person(u.id).name + (u.bot ? ' (app)' : '') }));

const places = () => (state.view?.channels || []).filter((c) => !c.archived)
  .map((c) => ({ value: c.id, label: c.im ? c.name : '#' + c.name }));

function text(e, on, type) {
  const long = type === 'textarea';
  const props = {
    id: on.id, class: 'field', placeholder: plain(e.placeholder), value: e.initial_value ?? '',
    'aria-label': on.labelled ? undefined : on.label, 'aria-describedby': on.describedby,
    maxlength: e.max_length, autofocus: e.focus_on_load, autocomplete: 'off',
    onchange: on.picked && ((ev) => on.picked(ev.target.value)),
  };
  if (long) return h('textarea', { ...props, rows: 4 });
  return h('input', { ...props, type: type === 'number' ? 'text' : type, inputmode: type === 'number' ? (e.is_decimal_allowed ? 'decimal' : 'numeric') : undefined });
}

function options(list) {
  return list.map((o) => (o.group !== undefined
    ? h('optgroup', { label: o.group }, options(o.options))
    : h('option', { value: o.value }, o.label)));
}

function select(e, on, list, initial) {
  const node = h('select', {
    id: on.id, class: 'field select', 'aria-label': on.labelled ? undefined : on.label, 'aria-describedby': on.describedby, autofocus: e.focus_on_load,
    onchange: on.picked && ((ev) => ev.target.value && on.picked(ev.target.value)), value: initial ?? '',
  }, h('option', { value: '' }, plain(e.placeholder) || 'Choose…'), options(list));
  return node;
}

// many is a select that collects chips: it works with a keyboard and on a phone.
function many(e, on, list, initial) {
  const all = list.flatMap((o) => (o.group !== undefined ? o.options : [o]));
  const chosen = new Set(initial);
  const most = e.max_selected_items || Infinity;
  const box = h('div', { class: 'many', 'data-own': true, role: 'group', 'aria-label': on.label, id: on.id + '-group' });
  const told = () => on.picked && on.picked('', [...chosen]);
  const redraw = () => {
    const pick = h('select', { id: on.id, class: 'field select', 'aria-label': 'Add to ' + on.label, disabled: chosen.size >= most,
      onchange: (ev) => { if (ev.target.value) { chosen.add(ev.target.value); redraw(); told(); box.querySelector('select').focus(); } } },
    h('option', { value: '' }, chosen.size ? 'Add…' : plain(e.placeholder) || 'Choose…'),
    all.filter((o) => !chosen.has(o.value)).map((o) => h('option', { value: o.value }, o.label)));
    const chips = [...chosen].map((v) => h('span', { class: 'chip' }, all.find((o) => o.value === v)?.label || v,
      h('button', { type: 'button', class: 'quiet', 'aria-label': 'Remove ' + (all.find((o) => o.value === v)?.label || v), onclick: () => { chosen.delete(v); redraw(); told(); } }, icon('close'))));
    box.replaceChildren(...(chips.length ? [h('div', { class: 'chips' }, chips)] : []), pick);
  };
  box.chosen = () => [...chosen];
  redraw();
  return box;
}

function when(e, on, type, initial) {
  return h('input', { id: on.id, class: 'field when', type, value: initial || '', 'aria-label': on.labelled ? undefined : on.label, 'aria-describedby': on.describedby,
    onchange: on.picked && ((ev) => on.picked(type === 'datetime-local' ? String(unix(ev.target.value)) : ev.target.value)) });
}

function ticks(e, on, type, initial) {
  const name = on.id;
  const box = h('div', { class: 'ticks', role: type === 'radio' ? 'radiogroup' : 'group', 'aria-label': on.label, id: on.id });
  box.append(...(e.options || []).map((o) => h('label', { class: 'tick' },
    h('input', { type, name, value: o.value, checked: initial.includes(o.value),
      onchange: on.picked && (() => {
        const values = [...box.querySelectorAll('input:checked')].map((i) => i.value);
        on.picked(type === 'radio' ? values[0] || '' : '', type === 'radio' ? undefined : values);
      }) }),
    h('span', null, plain(o.text), o.description && h('small', null, plain(o.description))))));
  return box;
}

export const unix = (local) => (local ? Math.floor(new Date(local).getTime() / 1000) : 0);

function localTime(seconds) {
  const d = new Date(seconds * 1000);
  const two = (n) => String(n).padStart(2, '0');
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}T${two(d.getHours())}:${two(d.getMinutes())}`;
}
