//! The description of the interface against the interface: what it lists is there, what is answered
//! has the form it promises, and what it forbids is refused.

#![allow(clippy::unwrap_used)]

mod rpc;

use std::time::{Duration, Instant};

use jsonschema::Validator;
use logothete_client::rpc::method::METHODS;
use logothete_client::rpc::{Access, ErrorCode};
use logothete_node::rpc::Limits;
use logothete_primitives::{Amount, Height};
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};

use rpc::node::{TestChain, account};
use rpc::socket::Socket;

/// Calls the fuzzer makes, unless `FUZZ_CALLS` says otherwise, or `FUZZ_SECONDS` how long it goes on.
const FUZZ_CALLS: u64 = 1_500;

/// Short waits: nothing that is asked for here ever comes.
fn limits() -> Limits {
    let (wait_time_default, wait_time_max) = (Duration::from_millis(5), Duration::from_millis(20));
    Limits { wait_time_default, wait_time_max, ..Limits::default() }
}

/// The description as a stranger gets it.
struct Description(Value);

impl Description {
    async fn read(chain: &TestChain) -> Self {
        let text = reqwest::get(format!("{}/openrpc.json", chain.url)).await.unwrap();
        let read: Value = serde_json::from_slice(&text.bytes().await.unwrap()).unwrap();
        let discovered = answer(chain, "rpc.discover", &json!({})).await;
        assert_eq!(discovered["result"], read, "one description, wherever it is asked for");
        Self(read)
    }

    fn methods(&self) -> &[Value] {
        self.0["methods"].as_array().unwrap()
    }

    /// Checks against a schema of the description.
    fn validator(&self, schema: &Value) -> Validator {
        let whole = json!({ "allOf": [schema], "components": self.0["components"] });
        jsonschema::draft7::new(&whole).unwrap()
    }

    /// Checks named parameters of a method.
    fn params_validator(&self, method: &Value) -> Validator {
        let params = method["params"].as_array().unwrap();
        let named = |param: &Value| (name_of(param), param["schema"].clone());
        let properties: Map<String, Value> = params.iter().map(named).collect();
        let required = params.iter().filter(|param| param["required"] == true);
        let required: Vec<String> = required.map(name_of).collect();
        self.validator(&json!({
            "type": "object", "properties": properties, "required": required,
            "additionalProperties": false,
        }))
    }
}

fn name_of(described: &Value) -> String {
    described["name"].as_str().unwrap().to_owned()
}

#[track_caller]
fn assert_valid(validator: &Validator, value: &Value, what: &str) {
    let faults: Vec<String> = validator.iter_errors(value).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{what}: {faults:?} in {value}");
}

/// The answer to one call, as it comes.
async fn answer(chain: &TestChain, method: &str, params: &Value) -> Value {
    answer_to(&reqwest::Client::new(), chain, method, params).await
}

/// The same over connections that are kept.
async fn answer_to(
    http: &reqwest::Client,
    chain: &TestChain,
    method: &str,
    params: &Value,
) -> Value {
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let post = http.post(format!("{}/rpc", chain.url)).body(call.to_string());
    let got = post.header("content-type", "application/json").send().await.unwrap();
    assert_eq!(got.status(), 200, "{call}");
    serde_json::from_slice(&got.bytes().await.unwrap()).unwrap()
}

/// Parameters for every method that this chain answers with a result.
async fn calls(chain: &TestChain) -> Vec<(&'static str, Value)> {
    let tx = chain.transfer("alice", account("bob").address, Amount::new(5)).await;
    let place = chain.settle(&tx).await;
    chain.attested(place.height).await;
    let another = chain.transfer("bob", account("alice").address, Amount::new(5)).await;
    let (hash, alice) = (json!(tx.hash()), json!(account("alice").address));
    let bytes = |tx: &logothete_ledger::transaction::Transaction| {
        json!(logothete_client::rpc::types::HexBytes(tx.encode()))
    };
    let body = json!(logothete_client::rpc::types::TxView::from(&tx).body);
    let unknown = "07".repeat(32);
    vec![
        ("chain_info", json!({})),
        ("node_status", json!({})),
        ("node_why", json!({})),
        ("node_peers", json!([])),
        ("block_get", json!({ "height": place.height, "transactions": true })),
        ("block_get", json!([])),
        ("block_get", json!({ "height": "0" })),
        ("block_list", json!({ "limit": 2, "min_height": "1" })),
        ("block_certificate", json!({ "hash": place.block })),
        ("tx_submit", json!({ "tx": bytes(&tx) })),
        ("tx_submit_batch", json!({ "txs": [bytes(&tx), "00"] })),
        ("tx_status", json!([hash])),
        ("tx_status", json!({ "hash": unknown })),
        ("tx_wait", json!({ "hash": hash, "timeout_ms": 1 })),
        ("tx_get", json!({ "hash": hash, "prove": true })),
        ("tx_simulate", json!({ "tx": bytes(&another) })),
        ("tx_simulate", json!({ "tx": bytes(&tx) })),
        ("tx_encode", json!({ "body": body, "signature": tx.signature })),
        ("tx_decode", json!({ "tx": bytes(&tx) })),
        ("account_get", json!({ "address": alice, "prove": true })),
        ("account_get", json!([alice])),
        ("account_history", json!({ "address": alice, "limit": 1 })),
        ("state_proof", json!({ "account": alice })),
        ("state_proof", json!({ "key": unknown })),
        ("validators_list", json!({})),
        ("validators_uptime", json!({ "blocks": 3 })),
        ("consensus_state", json!({})),
        ("consensus_views", json!({ "limit": 3 })),
        ("evidence_list", json!({})),
        ("mempool_stats", json!({})),
        ("rpc.discover", json!({})),
        ("faucet_drip", json!({ "address": alice, "amount": "7" })),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_lists_what_is_served_and_nothing_else() {
    let chain = TestChain::start_with(limits()).await;
    let description = Description::read(&chain).await;
    let listed: Vec<String> = description.methods().iter().map(name_of).collect();
    let known: Vec<&str> = METHODS.iter().map(|method| method.name).collect();
    assert_eq!(listed, known);
    for method in METHODS {
        // Parameters of this form fit no method, so nothing happens.
        let refused = answer(&chain, method.name, &json!({ "no such parameter": 1 })).await;
        let code = refused["error"]["code"].as_i64().unwrap();
        let socket = method.access == Access::Socket;
        let expected = if socket { ErrorCode::InvalidRequest } else { ErrorCode::InvalidParams };
        assert_eq!(code, i64::from(expected.number()), "{}: {refused}", method.name);
    }
    let refused = answer(&chain, "no_such_method", &json!({})).await;
    assert_eq!(refused["error"]["data"]["code"], "METHOD_NOT_FOUND");
    chain.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_result_has_the_form_the_description_promises() {
    let chain = TestChain::start_with(limits()).await;
    let description = Description::read(&chain).await;
    let calls = calls(&chain).await;
    for method in description.methods() {
        let name = name_of(method);
        let params = description.params_validator(method);
        let result = description.validator(&method["result"]["schema"]);
        let example = &method["examples"][0];
        let given = example["params"].as_array().unwrap();
        let given = given.iter().map(|param| (name_of(param), param["value"].clone())).collect();
        assert_valid(&params, &Value::Object(given), &format!("example of {name}"));
        assert_valid(&result, &example["result"]["value"], &format!("example of {name}"));
        let mut asked = 0;
        for (_, given) in calls.iter().filter(|(called, _)| *called == name) {
            if given.is_object() {
                assert_valid(&params, given, &name);
            }
            let answered = answer(&chain, &name, given).await;
            assert!(answered["error"].is_null(), "{name}: {answered}");
            assert_valid(&result, &answered["result"], &name);
            asked += 1;
        }
        let socket = method["tags"][0]["name"] == "WebSocket only";
        assert!(asked > 0 || socket, "{name} is not asked");
    }
    chain.stop().await;
}

/// What a node knows of itself alone, or waits for: no height makes it newer.
const NOT_OF_THE_LEDGER: [&str; 12] = [
    "chain_info",
    "node_status",
    "node_why",
    "node_peers",
    "consensus_state",
    "mempool_stats",
    "tx_wait",
    "tx_simulate",
    "tx_encode",
    "tx_decode",
    "rpc.discover",
    "faucet_drip",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_read_of_the_ledger_is_answered_from_below_the_height_asked_for() {
    let chain = TestChain::start_with(limits()).await;
    let description = Description::read(&chain).await;
    for (name, mut params) in calls(&chain).await {
        if NOT_OF_THE_LEDGER.contains(&name) || name.starts_with("tx_submit") {
            continue;
        }
        let method = description.methods().iter().find(|method| method["name"] == name).unwrap();
        let takes = method["params"].as_array().unwrap().iter().any(|p| p["name"] == "min_height");
        assert!(takes, "{name} has no min_height");
        if params.is_array() {
            continue;
        }
        params["min_height"] = json!("999999999");
        let refused = answer(&chain, name, &params).await;
        assert_eq!(refused["error"]["data"]["code"], "NOT_SYNCED", "{name}: {refused}");
        params["min_height"] = json!("1");
        let answered = answer(&chain, name, &params).await;
        assert!(answered["error"].is_null(), "{name}: {answered}");
    }
    chain.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_has_the_form_the_description_promises() {
    let chain = TestChain::start_with(limits()).await;
    let description = Description::read(&chain).await;
    let schema = |name: &str| {
        let found = description.methods().iter().find(|method| method["name"] == name).unwrap();
        description.validator(&found["result"]["schema"])
    };
    let (made, ended) = (schema("subscribe"), schema("unsubscribe"));
    let event = description.validator(&json!({ "$ref": "#/components/schemas/Event" }));
    let tx = chain.transfer("alice", account("bob").address, Amount::new(5)).await;
    chain.settle(&tx).await;
    let mut socket = Socket::open(chain.address).await;
    for (kind, kinds) in [
        ("blocks", json!({ "kind": "blocks", "from_height": "1" })),
        ("txs", json!({ "kind": "txs", "from_height": "1" })),
        (
            "account",
            json!({
                "kind": "account", "address": account("bob").address, "from_height": "0",
            }),
        ),
        ("validators", json!({ "kind": "validators", "from_height": "0" })),
        ("consensus", json!({ "kind": "consensus" })),
    ] {
        let answered = socket.call("subscribe", kinds).await;
        assert_valid(&made, &answered["result"], kind);
        for _ in 0..if kind == "account" { 1 } else { 3 } {
            let told = socket.event().await;
            assert_valid(&event, &told, kind);
            assert_eq!(
                told["type"],
                kind.strip_suffix("s").filter(|k| *k == "block").unwrap_or(kind)
            );
        }
        let name = &answered["result"]["subscription"];
        let answered = socket.call("unsubscribe", json!({ "subscription": name })).await;
        assert_valid(&ended, &answered["result"], kind);
        assert_eq!(answered["result"]["ended"], true);
    }
    chain.stop().await;
}

/// Makes parameters from their schemas: such as fit, and such as nearly do.
struct Maker {
    random: ChaCha8Rng,
    /// Things that are there: hashes, addresses, transactions.
    digests: Vec<String>,
    addresses: Vec<String>,
    bytes: Vec<String>,
}

impl Maker {
    fn hex(&mut self, bytes: usize) -> String {
        (0..bytes).map(|_| format!("{:02x}", self.random.random::<u8>())).collect()
    }

    fn choose(&mut self, known: fn(&Self) -> &Vec<String>) -> Value {
        let index = self.random.random_range(0..known(self).len());
        known(self)[index].clone().into()
    }

    fn decimal(&mut self) -> String {
        match self.random.random_range(0..4) {
            0 => "0".to_owned(),
            1 => u64::MAX.to_string(),
            2 => self.random.random_range(0..40_u32).to_string(),
            _ => self.random.random::<u64>().to_string(),
        }
    }

    /// A value that fits a schema.
    fn fitting(&mut self, schema: &Value) -> Value {
        for several in ["anyOf", "oneOf"] {
            if let Some(choices) = schema[several].as_array() {
                let choice = choices.choose(&mut self.random).unwrap();
                return self.fitting(choice);
            }
        }
        if let Some(choices) = schema["enum"].as_array() {
            return choices.choose(&mut self.random).unwrap().clone();
        }
        if !schema["const"].is_null() {
            return schema["const"].clone();
        }
        if let Some([only]) = schema["allOf"].as_array().map(Vec::as_slice) {
            return self.fitting(only);
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds.choose(&mut self.random).unwrap().clone(),
            kind => kind.clone(),
        };
        match kind.as_str().unwrap() {
            "null" => Value::Null,
            "boolean" => self.random.random::<bool>().into(),
            "integer" => self.random.random_range(0..50_u32).into(),
            "array" => {
                let count = self.random.random_range(0..4);
                (0..count).map(|_| self.fitting(&schema["items"])).collect()
            }
            "object" => self.fitting_object(schema),
            "string" => self.fitting_text(schema["format"].as_str().unwrap_or("")),
            other => panic!("no value is made for {other}"),
        }
    }

    fn fitting_object(&mut self, schema: &Value) -> Value {
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let mut made = Map::new();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            if required.contains(&json!(name)) || self.random.random() {
                made.insert(name.clone(), self.fitting(property));
            }
        }
        made.into()
    }

    fn fitting_text(&mut self, format: &str) -> Value {
        match format {
            "decimal" => self.decimal().into(),
            "digest" if self.random.random() => self.hex(32).into(),
            "digest" => self.choose(|maker| &maker.digests),
            "signature" => self.hex(64).into(),
            "chain-tag" => self.hex(4).into(),
            "address" => self.choose(|maker| &maker.addresses),
            "hex" if self.random.random() => {
                let count = self.random.random_range(0..200);
                self.hex(count).into()
            }
            "hex" => self.choose(|maker| &maker.bytes),
            "position" => format!("{}.{}", self.decimal(), self.random.random::<u32>()).into(),
            "" => ["", "b5", "t1.2", "v1.1", "\u{1f600}", "1"]
                .choose(&mut self.random)
                .copied()
                .into(),
            other => panic!("no text is made for {other}"),
        }
    }

    /// Anything at all.
    fn anything(&mut self) -> Value {
        match self.random.random_range(0..12) {
            0 => Value::Null,
            1 => (-1).into(),
            2 => 1.5.into(),
            3 => u64::MAX.into(),
            4 => true.into(),
            5 => json!([]),
            6 => json!({ "x": [{}] }),
            7 => "\u{0}\u{202e}".into(),
            8 => "9".repeat(5_000).into(),
            9 => format!("0x{}", self.hex(32)).into(),
            10 => "00".into(),
            _ => "-5".into(),
        }
    }

    /// Spoils one place of some parameters.
    fn spoil(&mut self, params: &mut Value) {
        let Some(object) = params.as_object_mut() else { return };
        let names: Vec<String> = object.keys().cloned().collect();
        let chosen = names.choose(&mut self.random).cloned();
        match (self.random.random_range(0..4), chosen) {
            (0, _) | (_, None) => {
                let value = self.anything();
                object.insert("unheard_of".to_owned(), value);
            }
            (1, Some(name)) => {
                object.remove(&name);
            }
            (2, Some(name)) if object[&name].is_object() => self.spoil(&mut object[&name]),
            (_, Some(name)) => {
                object[&name] = self.anything();
            }
        }
    }
}

/// Schema and server agree about what is refused, and nothing that is sent makes the node fail.
#[tokio::test(flavor = "multi_thread")]
async fn no_parameters_make_the_node_fail() {
    let setting = |name, usual| std::env::var(name).map_or(usual, |text| text.parse().unwrap());
    let seconds: u64 = setting("FUZZ_SECONDS", 0);
    let endless = if seconds > 0 { u64::MAX } else { FUZZ_CALLS };
    let calls_wanted: u64 = setting("FUZZ_CALLS", endless);
    let seed: u64 = setting("FUZZ_SEED", 1);
    println!("FUZZ_SEED={seed} FUZZ_CALLS={calls_wanted} FUZZ_SECONDS={seconds}");
    let chain = TestChain::start_with(limits()).await;
    let description = Description::read(&chain).await;
    let tx = chain.transfer("alice", account("bob").address, Amount::new(5)).await;
    let place = chain.settle(&tx).await;
    let another = chain.transfer("carol", account("bob").address, Amount::new(5)).await;
    let text = |tx: &logothete_ledger::transaction::Transaction| {
        format!("{:?}", logothete_client::rpc::types::HexBytes(tx.encode()))
    };
    let mut maker = Maker {
        random: ChaCha8Rng::seed_from_u64(seed),
        digests: vec![tx.hash().to_string(), place.block.to_string(), "00".repeat(32)],
        addresses: ["alice", "bob", "dave"].map(|name| account(name).address.to_string()).into(),
        bytes: vec![text(&tx), text(&another), "00".repeat(300)],
    };
    let methods: Vec<_> = description
        .methods()
        .iter()
        .map(|method| (method, description.params_validator(method)))
        .collect();
    let (http, began) = (reqwest::Client::new(), Instant::now());
    let is_over = || seconds > 0 && began.elapsed() >= Duration::from_secs(seconds);
    let (mut accepted, mut refused) = (0, 0);
    for number in 0..calls_wanted {
        if is_over() {
            break;
        }
        let (method, validator) = methods.choose(&mut maker.random).unwrap();
        let name = name_of(method);
        let described = method["params"].as_array().unwrap();
        let required = described.iter().filter(|param| param["required"] == true).map(name_of);
        let properties = described.iter().map(|param| (name_of(param), param["schema"].clone()));
        let schema = json!({
            "type": "object",
            "required": required.collect::<Vec<_>>(),
            "properties": properties.collect::<Map<_, _>>(),
        });
        let mut params = maker.fitting(&schema);
        assert_valid(validator, &params, &format!("call {number}, {name}"));
        if maker.random.random() {
            maker.spoil(&mut params);
        }
        let answered = answer_to(&http, &chain, &name, &params).await;
        let context = format!("call {number}: {name}({params}): {answered}");
        if answered["error"].is_null() {
            assert!(validator.is_valid(&params), "what the schema forbids was taken: {context}");
            accepted += 1;
            continue;
        }
        refused += 1;
        let (code, data) = (&answered["error"]["code"], &answered["error"]["data"]);
        let known = ErrorCode::all().find(|(_, number, _)| *code == *number);
        let (code, _, symbol) = known.unwrap_or_else(|| panic!("{context}"));
        assert_ne!(code, ErrorCode::Internal, "{context}");
        assert_eq!(data["code"], symbol, "{context}");
        assert!(data["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{context}");
    }
    println!("{accepted} calls were accepted, {refused} refused");
    let all = accepted + refused;
    assert!(accepted > all / 10 && refused > all / 10);
    let head = chain.service.head().height;
    chain.attested(head.next()).await;
    assert!(chain.service.head().height > Height::ZERO);
    chain.stop().await;
}
