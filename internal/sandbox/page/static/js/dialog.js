// Questions in a native dialog: it traps the focus and Escape answers no.
import { h } from './dom.js';

// ask resolves true when the person confirms.
export function ask(question) {
  return new Promise((resolve) => {
    const done = (answer) => { box.close(); box.remove(); resolve(answer); };
    const box = h('dialog', { class: 'ask', 'aria-labelledby': 'ask-title', oncancel: (e) => { e.preventDefault(); done(false); } },
      h('h2', { id: 'ask-title' }, question.title),
      h('div', { class: 'ask-text' }, question.body || question.text),
      h('div', { class: 'ask-row' },
        h('button', { type: 'button', class: 'btn', onclick: () => done(false) }, question.deny || 'Cancel'),
        h('button', { type: 'button', class: 'btn ' + (question.style === 'danger' ? 'danger' : 'primary'), autofocus: true, onclick: () => done(true) }, question.confirm || 'Yes')));
    document.body.append(box);
    box.showModal();
  });
}
