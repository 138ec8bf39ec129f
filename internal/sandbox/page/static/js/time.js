// Times are shown in the reader's zone, with UTC on hover.
import { h } from './dom.js';

export const ms = (ts) => Math.floor(Number.parseFloat(ts) * 1000);

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const clockSeconds = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const dayName = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });

export const hm = (t) => clock.format(t);
export const hms = (t) => clockSeconds.format(t);
export const dayKey = (t) => new Date(t).toDateString();
export const utc = (t) => new Date(t).toISOString().replace('T', ' ').slice(0, 19) + ' UTC';

export function day(t, today) {
  if (dayKey(t) === dayKey(today)) return 'Today';
  if (dayKey(t) === dayKey(today - 864e5)) return 'Yesterday';
  return dayName.format(t);
}

export function stamp(t, cls) {
  return h('time', { class: cls || 'stamp', datetime: new Date(t).toISOString(), title: utc(t) }, hm(t));
}

export function span(millis) {
  const s = Math.max(0, Math.round(millis / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, '0')} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

export function ago(t, present) {
  const d = present - t;
  if (d < 5000) return 'just now';
  if (d < 6e4) return `${Math.floor(d / 1000)} s ago`;
  if (d < 36e5) return `${Math.floor(d / 6e4)} min ago`;
  if (d < 864e5) return `${Math.floor(d / 36e5)} h ago`;
  return `${Math.floor(d / 864e5)} d ago`;
}

// slackDate fills Slack's <!date^unix^format> pattern.
export function slackDate(unix, format) {
  const t = Number(unix) * 1000;
  if (!Number.isFinite(t)) return null;
  const d = new Date(t);
  const f = (o) => new Intl.DateTimeFormat(undefined, o).format(d);
  const near = (long) => {
    const k = day(t, Date.now());
    return k === 'Today' || k === 'Yesterday' ? k.toLowerCase() : long;
  };
  const short = { day: 'numeric', month: 'short', year: 'numeric' };
  const long = { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' };
  const parts = {
    date_num: () => d.toISOString().slice(0, 10),
    date: () => f({ day: 'numeric', month: 'long', year: 'numeric' }),
    date_short: () => f(short), date_long: () => f(long),
    date_pretty: () => near(f({ day: 'numeric', month: 'long' })),
    date_short_pretty: () => near(f(short)), date_long_pretty: () => near(f(long)),
    time: () => hm(t), time_secs: () => hms(t), ago: () => ago(t, Date.now()),
  };
  const text = format.replace(/\{(\w+)\}/g, (all, name) => (parts[name] ? parts[name]() : all));
  return h('time', { datetime: d.toISOString(), title: utc(t), class: 'date' }, text);
}
