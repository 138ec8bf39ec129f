// The page talks to its own server only: JSON under api/, and one stream that
// says which part of the world changed.

export class Refused extends Error {
  constructor(status, body) {
    super(body?.text || `The sandbox answered ${status}.`);
    this.status = status;
    this.code = body?.code || '';
    this.confirm = body?.confirm || null;
    this.fields = body?.fields || null;
  }
}

export async function get(path, params) {
  const query = new URLSearchParams();
  for (const [k, v] of Object.entries(params || {})) if (v !== undefined && v !== '') query.set(k, v);
  const tail = query.size ? '?' + query : '';
  return answer(await reach('api/' + path + tail, { headers: { accept: 'application/json' } }));
}

export async function post(path, body) {
  return answer(await reach('api/' + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body || {}),
  }));
}

async function reach(url, init) {
  try {
    return await fetch(url, { ...init, credentials: 'same-origin', cache: 'no-store' });
  } catch {
    throw new Refused(0, { text: 'The sandbox does not answer. Is `tocsin demo` still running?' });
  }
}

async function answer(resp) {
  const text = await resp.text();
  let body = null;
  try { body = text ? JSON.parse(text) : null; } catch { body = { text: text.slice(0, 200) }; }
  if (!resp.ok) throw new Refused(resp.status, body);
  return body;
}

// listen calls changed(part) for every part that changed, and link(up) when the
// stream comes or goes.
export function listen(changed, link) {
  const source = new EventSource('api/stream');
  source.addEventListener('changed', (e) => changed(e.data));
  source.onopen = () => { link(true); changed('all'); };
  source.onerror = () => link(false);
}
