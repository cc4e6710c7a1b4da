// Which page an address shows. Links change the address without loading the page again.

const ROUTES = [
  [/^\/$/, 'home', []],
  [/^\/blocks$/, 'blocks', []],
  [/^\/block\/([^/]+)$/, 'block', ['which']],
  [/^\/tx\/([^/]+)$/, 'transaction', ['hash']],
  [/^\/account\/([^/]+)$/, 'account', ['address']],
  [/^\/(validators|consensus|evidence|mempool|network|verify|send)$/, null, []],
];

export function resolve(path) {
  for (const [pattern, page, names] of ROUTES) {
    const found = pattern.exec(path);
    if (!found) continue;
    const params = Object.fromEntries(names.map((name, i) => [name, decodeURIComponent(found[i + 1])]));
    return { page: page ?? found[1], params };
  }
  return null;
}

let arrive = () => {};

export function go(path) {
  if (path !== location.pathname + location.search) history.pushState(null, '', path);
  arrive();
}

export function start(onArrival) {
  arrive = onArrival;
  addEventListener('popstate', () => arrive());
  document.addEventListener('click', (event) => {
    const link = event.target.closest?.('a[href]');
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!link || !plain || link.target || link.hasAttribute('download')) return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || !resolve(url.pathname)) return;
    if (url.pathname === location.pathname && url.hash) return;
    event.preventDefault();
    go(url.pathname + url.search);
  });
  arrive();
}
