// What waits in this node's mempool.

import { fill, h, setText } from '../dom.js';
import { bytes, coins, number } from '../format.js';
import { call } from '../rpc.js';
import { card, facts } from '../widgets.js';

export default async function mempool(page) {
  page.title('Mempool');
  const lead = h('p', { class: 'lead' });
  const detail = h('div');
  const levels = [['Transactions', (s) => [s.count, s.max_count, `${number(s.count)} of ${number(s.max_count)}`]],
    ['Bytes', (s) => [s.bytes, s.max_bytes, `${bytes(s.bytes)} of ${bytes(s.max_bytes)}`]]]
    .map(([name, read]) => ({ read, name, meter: h('meter', { min: '0', 'aria-label': `${name} in the mempool` }), text: h('span') }));
  fill(page.root, lead, card('Room', levels.map(({ name, meter, text }) => h('p', { class: 'level' }, h('span', {}, name), meter, text))), card('Now', detail));
  let reading = false;
  async function renew() {
    if (reading) return;
    reading = true;
    try {
      const stats = await call('mempool_stats', {}, page);
      setText(lead, stats.count === 0 ? 'Nothing waits: every transaction this node took is in a block.' : `${number(stats.count)} transactions of ${number(stats.accounts)} accounts wait.`);
      for (const { read, meter, text } of levels) {
        const [value, max, said] = read(stats);
        meter.max = Number(max);
        meter.value = Number(value);
        setText(text, said);
      }
      fill(detail, facts([['In batches that are not final yet', number(stats.in_flight)], ['Accounts', number(stats.accounts)],
        ['Least fee', `${coins(stats.min_fee)} for each operation and co-signature`]]));
    } finally {
      reading = false;
    }
  }
  await renew();
  page.follow((now) => { if (!now.failing) renew().catch(() => {}); });
}
