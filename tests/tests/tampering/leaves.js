// In a page of the explorer: changes every leaf of honest answers, one at a time, and asks what the pages ask.
// Gives the number of changes, and which leaves could be changed with the page still called verified.
//
// `subject` names a block by height or hash, a transaction, an account, or the account whose proof is checked
// under a changed chain specification; `done` takes the answer.

const ATTEMPTS = 100;
const PAUSE_MS = 200;

const other = (text) => {
  if (text === '') return ['00'];
  if (/^\d{1,20}$/.test(text)) return [String(BigInt(text) + 1n)];
  const flipped = (at) => text.slice(0, at) + (text[at] === '1' ? '2' : '1') + text.slice(at + 1);
  return [0, text.length >> 1, text.length - 1].map(flipped);
};

// Something else than a value; undefined leaves it out.
function changes(value) {
  if (Array.isArray(value)) return value.length ? [value.slice(1), [...value, value.at(-1)]] : [['00']];
  if (typeof value === 'boolean') return [!value, undefined];
  if (typeof value === 'number') return [value + 1, undefined];
  if (typeof value === 'string') return [...other(value), undefined];
  return [undefined];
}

// Every leaf and every list, as [path, value].
function places(value, path = []) {
  if (value === null || typeof value !== 'object') return [[path, value]];
  const inner = Object.entries(value).flatMap(([key, one]) => places(one, [...path, key]));
  return Array.isArray(value) ? [[path, value], ...inner] : inner;
}

function changed(answers, path, value) {
  const copy = structuredClone(answers);
  const parent = path.slice(0, -1).reduce((at, key) => at[key], copy);
  parent[path.at(-1)] = value;
  return JSON.parse(JSON.stringify(copy));
}

async function all() {
  const load = (name) => import(`${location.origin}/assets/${name}.js`);
  const [{ batch }, { anchor }, verify] = await Promise.all(['rpc', 'trust', 'verify'].map(load));
  const from = await anchor();
  const result = { changes: 0, accepted: [] };
  const accept = (leaf) => result.accepted.includes(leaf) || result.accepted.push(leaf);

  async function honest(calls, check) {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const given = await batch(calls);
      const answers = Object.fromEntries(calls.map(([method], i) => [method, given[i]]));
      if ((await check(answers)).ok) return answers;
      await new Promise((resolve) => { setTimeout(resolve, PAUSE_MS); });
    }
    throw new Error(`never verified: ${JSON.stringify(calls)}`);
  }

  async function changeAll(calls, check) {
    const answers = await honest(calls, check);
    for (const [path, value] of places(answers)) {
      for (const lie of changes(value)) {
        result.changes++;
        const report = await check(changed(answers, path, lie));
        if (report.ok) accept(path.map((key) => (/^\d+$/.test(key) ? '*' : key)).join('.'));
      }
    }
  }

  const { block, transaction, account, specification } = subject;
  if (block) {
    const select = /^\d+$/.test(block) ? { height: block } : { hash: block };
    await changeAll([['block_get', { ...select, transactions: true }], ['block_certificate', select]],
      (answers) => verify.verifyBlock(answers.block_certificate, from, answers.block_get, block));
  }
  if (transaction) {
    await changeAll([['tx_get', { hash: transaction, prove: true }]],
      (answers) => verify.verifyTransaction(transaction, answers.tx_get, from));
  }
  const reading = (address) => [['account_get', { address, prove: true }]];
  if (account) await changeAll(reading(account), (answers) => verify.verifyAccount(account, answers.account_get, from));
  if (specification) {
    const check = (answers, anchor = from) => verify.verifyAccount(specification, answers.account_get, anchor);
    const answers = await honest(reading(specification), check);
    for (let at = 0; at < from.specBytes.length; at++) {
      const specBytes = from.specBytes.slice();
      specBytes[at] ^= 1;
      result.changes++;
      if ((await check(answers, { ...from, specBytes })).ok) accept(`specification.${at}`);
    }
  }
  return result;
}

all().then(done, (error) => done({ broken: error.stack }));
