// Elements without markup in strings: text from a node stays text.

// h('p', { class: 'note' }, 'text', element, [more], null)
export function h(name, props = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (key === 'value') element.value = value;
    else element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...nodes(children));
  return element;
}

const nodes = (children) => children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);

export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
  return element;
}

// Sets the text only when it changes, so that a reader's place and selection stay.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Makes the children of `parent` those of `items`, in order. An element is kept as long as its key
// and what it shows stay the same, with the focus in it; what is new may flash once.
export function keep(parent, items, keyOf, make, flash = false) {
  const old = new Map(Array.from(parent.children, (child) => [child.dataset.key, child]));
  const wanted = items.map((item) => {
    const key = String(keyOf(item));
    const found = old.get(key);
    if (found) return found;
    const made = make(item);
    made.dataset.key = key;
    if (flash && old.size > 0) made.classList.add('new');
    return made;
  });
  const stays = new Set(wanted);
  for (const child of old.values()) if (!stays.has(child)) child.remove();
  wanted.forEach((child, i) => { if (parent.children[i] !== child) parent.insertBefore(child, parent.children[i] ?? null); });
}
