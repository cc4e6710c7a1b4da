// JSON-RPC to the node that served this page.

const TIMEOUT_MS = 8000;

// The node answered with an error.
export class RpcError extends Error {
  constructor({ code, message, data }) {
    super(message);
    this.number = code;
    this.code = data?.code ?? '';
    this.hint = data?.hint ?? '';
    this.data = data ?? {};
  }
}

// The node did not answer.
export class Unreachable extends Error {}

let lastId = 0;

async function post(body, signal, timeout = TIMEOUT_MS) {
  const limits = [AbortSignal.timeout(timeout)];
  if (signal) limits.push(signal);
  try {
    const answer = await fetch('/rpc', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.any(limits),
    });
    return await answer.json();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Unreachable('the node does not answer');
  }
}

const request = (method, params) => ({ jsonrpc: '2.0', id: ++lastId, method, params });

export async function call(method, params = {}, { signal, timeout } = {}) {
  const answer = await post(request(method, params), signal, timeout);
  if (answer.error) throw new RpcError(answer.error);
  return answer.result;
}

// Several calls in one request; each gives its result or an RpcError, in order.
export async function batch(calls, { signal } = {}) {
  const requests = calls.map(([method, params]) => request(method, params ?? {}));
  const answers = await post(requests, signal);
  if (!Array.isArray(answers)) throw new RpcError(answers.error ?? { message: 'no answers' });
  const byId = new Map(answers.map((answer) => [answer.id, answer]));
  return requests.map(({ id }) => {
    const answer = byId.get(id);
    return answer?.error || !answer ? new RpcError(answer?.error ?? { message: 'no answer' }) : answer.result;
  });
}
