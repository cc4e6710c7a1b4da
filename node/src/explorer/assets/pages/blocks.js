// Blocks, newest first; the first page follows the chain.

import { fill, h } from '../dom.js';
import { call } from '../rpc.js';
import { blockTable } from './home.js';

const PAGE = 50;

export default async function blocks(page) {
  page.title('Blocks');
  const list = blockTable('Final blocks, newest first');
  const older = h('button', { type: 'button', onclick: () => read(cursor) }, 'Older');
  const newest = h('button', { type: 'button', hidden: true, onclick: follow }, 'Newest, live');
  fill(page.root, list.element, h('p', { class: 'actions' }, newest, ' ', older));
  let cursor = null, live = true, items = [], reading = false;

  async function read(from = null) {
    if (reading) return;
    reading = true;
    try {
      const answer = await call('block_list', from ? { cursor: from, limit: PAGE } : { limit: PAGE }, { signal: page.signal });
      items = answer.items;
      cursor = answer.next_cursor ?? null;
      live = from === null;
      list.rows(items);
      older.disabled = !cursor;
      newest.hidden = live;
    } catch (error) {
      page.fail(error, () => blocks(page));
    } finally {
      reading = false;
    }
  }

  function follow() {
    live = true;
    return read();
  }

  await read();
  page.follow((now) => {
    if (live && now.blocks[0] && now.blocks[0].hash !== items[0]?.hash) read();
  });
}
