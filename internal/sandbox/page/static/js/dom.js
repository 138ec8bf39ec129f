// Nodes are built, never parsed: no text from a message can become markup.
// patch() brings a parent's children in line with what is wanted while it keeps
// the nodes that are already there, so focus, scroll and half-typed words survive.

const SVG = 'http://www.w3.org/2000/svg';

export function h(tag, props, ...kids) {
  return dress(document.createElement(tag), props, kids);
}

export function svg(tag, props, ...kids) {
  return dress(document.createElementNS(SVG, tag), props, kids);
}

// memo is a child that is made only when its signature changed.
export function memo(key, sig, make) {
  return { memo: true, key, sig, make };
}

function dress(node, props, kids) {
  node.on = {};
  let value;
  for (const [name, v] of Object.entries(props || {})) {
    if (v === undefined || v === null || v === false) continue;
    if (name === 'key') node.key = v;
    else if (name === 'value') value = v;
    else if (name === 'checked') { node.checked = v; node.wasChecked = v; }
    else if (typeof v === 'function') { node.on[name] = v; node[name] = v; }
    else node.setAttribute(name, v === true ? '' : String(v));
  }
  append(node, kids);
  if (value !== undefined) { node.value = value; node.wasValue = value; }
  return node;
}

function append(node, kids) {
  for (const kid of flat(kids)) {
    if (!kid.memo) { node.append(kid); continue; }
    node.append(made(kid));
  }
}

function made(want) {
  const node = want.make();
  node.key = want.key;
  node.sig = want.sig;
  return node;
}

function flat(kids) {
  const out = [];
  for (const kid of kids) {
    if (kid === undefined || kid === null || kid === false || kid === '') continue;
    if (Array.isArray(kid)) out.push(...flat(kid));
    else if (kid.nodeType || kid.memo) out.push(kid);
    else out.push(document.createTextNode(String(kid)));
  }
  return out;
}

export function patch(parent, ...kids) {
  const wants = flat(kids);
  const wanted = new Set(wants.map((w) => w.key).filter((k) => k !== undefined));
  const have = new Map();
  for (const child of [...parent.childNodes]) {
    if (child.key === undefined) continue;
    if (wanted.has(child.key)) have.set(child.key, child);
    else child.remove();
  }
  let cursor = parent.firstChild;
  for (const want of wants) {
    const old = want.key !== undefined ? have.get(want.key) : alike(cursor, want) ? cursor : null;
    const node = settle(old, want);
    if (node === cursor) cursor = cursor.nextSibling;
    else parent.insertBefore(node, cursor);
    if (old && old !== node) {
      if (old === cursor) cursor = cursor.nextSibling;
      old.remove();
    }
  }
  while (cursor) {
    const next = cursor.nextSibling;
    cursor.remove();
    cursor = next;
  }
}

function alike(node, want) {
  return node && node.key === undefined && node.nodeName === want.nodeName;
}

function settle(old, want) {
  if (!old) return want.memo ? made(want) : want;
  if (want.memo && old.sig === want.sig) return old;
  const fresh = want.memo ? made(want) : want;
  if (old.nodeName !== fresh.nodeName) return fresh;
  morph(old, fresh);
  old.sig = fresh.sig;
  return old;
}

function morph(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !kept(old, name)) old.removeAttribute(name);
  }
  for (const { name, value } of [...fresh.attributes]) {
    if (old.getAttribute(name) === value) continue;
    // The page's policy forbids the attribute; setting it by property is allowed.
    if (name === 'style') old.style.cssText = value;
    else old.setAttribute(name, value);
  }
  for (const name of Object.keys(old.on || {})) if (!fresh.on?.[name]) old[name] = null;
  for (const [name, f] of Object.entries(fresh.on || {})) old[name] = f;
  old.on = fresh.on;
  if (!old.hasAttribute('data-own')) patch(old, [...fresh.childNodes]);
  // What a person chose stays until the source says something new.
  if (fresh.wasValue !== undefined && fresh.wasValue !== old.wasValue) { old.value = fresh.wasValue; old.wasValue = fresh.wasValue; }
  if (fresh.wasChecked !== undefined && fresh.wasChecked !== old.wasChecked) { old.checked = fresh.wasChecked; old.wasChecked = fresh.wasChecked; }
}

function kept(node, name) {
  return name === 'open' && (node.nodeName === 'DETAILS' || node.nodeName === 'DIALOG');
}

export const $ = (id) => document.getElementById(id);

// hash is a small stable number for colours of avatars.
export function hash(text) {
  let n = 7;
  for (const c of String(text)) n = (n * 31 + c.codePointAt(0)) >>> 0;
  return n;
}
