// The nodes this node is connected to.

import { fill, h, setText } from '../dom.js';
import { duration, number, plural } from '../format.js';
import { call } from '../rpc.js';
import { card, copyable, facts, table, when } from '../widgets.js';

export default async function network(page) {
  page.title('Network');
  const lead = h('p', { class: 'lead' });
  const own = h('div');
  const list = table('Peers', [['Peer', ''], ['Role', ''], ['Height', 'num'], ['Round trip', 'num'], ['Connected', 'wide'], ['Version', 'wide'], ['Address', 'wide']],
    (one) => JSON.stringify({ ...one, connected_ms: Math.floor(Number(one.connected_ms) / 10_000) }),
    (one) => [one.name ?? `${one.key.slice(0, 14)}…`, one.role, one.height ? number(one.height) : '–', one.round_trip_us ? `${(one.round_trip_us / 1000).toFixed(1)} ms` : '–',
      `for ${duration(Number(one.connected_ms))}`, one.version.replace('logothete/', ''), h('span', { class: 'mono' }, one.addresses.join(' '))],
    'This node is connected to nobody.');
  fill(page.root, lead, card('Peers', list.element), card('This node', own));
  let reading = false, shown = null;
  async function renew(now) {
    if (reading) return;
    reading = true;
    try {
      const { items } = await call('node_peers', {}, page);
      setText(lead, `This node is connected to ${plural(items.length, 'node')}.`);
      list.rows(items);
      const { node } = now;
      if (node && shown !== node.mode + node.sync.state + node.sync.lag) {
        shown = node.mode + node.sync.state + node.sync.lag;
        fill(own, facts([['Name', node.name], ['Role', node.role], ['Mode', node.mode], ['Key', copyable(node.key)], ['Version', node.version],
          ['Started', when(node.started_at)], ['Sync', node.sync.state === 'following' ? 'follows the tip' : `${node.sync.state}, ${plural(node.sync.lag, 'block')} behind`]]));
      }
    } finally {
      reading = false;
    }
  }
  page.follow((now) => { if (!now.failing) renew(now).catch(() => {}); });
}
