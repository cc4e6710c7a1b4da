//! The interface described by OpenRPC, made from the table of methods, the Rust types and the examples
//! of `docs/rpc.md`: there is nothing else to keep in step.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde_json::{Map, Value, json};

use super::error::ErrorCode;
use super::method::{ADMIN_METHODS, ADMIN_SHAPES, Access, METHODS, MethodInfo, SHAPES};
use super::types::{Event, OpenRpc, OpenRpcInfo};

/// The version of OpenRPC that is written.
const OPENRPC: &str = "1.3.2";
/// Where the schemas that results share are.
const SCHEMAS: &str = "/components/schemas";
/// The text with a section for every method and a row for every error.
const TEXT: &str = include_str!("../../../docs/rpc.md");
/// What any method may answer.
const COMMON: [ErrorCode; 5] = [
    ErrorCode::InvalidParams,
    ErrorCode::Internal,
    ErrorCode::Limit,
    ErrorCode::TooLarge,
    ErrorCode::ShuttingDown,
];

/// The types of a method, as far as the description needs them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// The names of the parameters in their order.
    pub(super) fields: fn() -> &'static [&'static str],
    /// The schema of the parameters.
    pub(super) params: fn() -> Schema,
    /// The schema of the result.
    pub(super) result: fn(&mut SchemaGenerator) -> Schema,
}

impl Shape {
    pub(super) const fn of<P, R>() -> Self
    where
        P: DeserializeOwned + JsonSchema,
        R: JsonSchema,
    {
        Self { fields: fields::<P>, params: params::<P>, result: result::<R> }
    }
}

/// The description of this version of the interface.
#[must_use]
pub fn document() -> &'static OpenRpc {
    static DOCUMENT: LazyLock<OpenRpc> = LazyLock::new(|| {
        let mut results = settings().for_serialize().into_generator();
        results.subschema_for::<Event>();
        describe("Logothete JSON-RPC", METHODS.iter().zip(SHAPES), results)
    });
    &DOCUMENT
}

/// The same of the administration listener.
#[must_use]
pub fn admin_document() -> &'static OpenRpc {
    static DOCUMENT: LazyLock<OpenRpc> = LazyLock::new(|| {
        let results = settings().for_serialize().into_generator();
        describe("Logothete administration", ADMIN_METHODS.iter().zip(ADMIN_SHAPES), results)
    });
    &DOCUMENT
}

fn describe<'a>(
    title: &str,
    methods: impl Iterator<Item = (&'a MethodInfo, &'a Shape)>,
    mut results: SchemaGenerator,
) -> OpenRpc {
    let methods = methods.map(|(info, shape)| method(info, shape, &mut results)).collect();
    let schemas = results.take_definitions(true);
    let errors: Map<String, Value> = ErrorCode::all()
        .map(|(_, code, name)| (name.to_owned(), json!({ "code": code, "message": meaning(name) })))
        .collect();
    OpenRpc {
        openrpc: OPENRPC.to_owned(),
        info: OpenRpcInfo {
            title: title.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        methods,
        components: json!({ "schemas": schemas, "errors": errors }),
    }
}

fn method(info: &MethodInfo, shape: &Shape, results: &mut SchemaGenerator) -> Value {
    let section = Section::of(info.name);
    let schema = Value::from((shape.params)());
    let names = (shape.fields)();
    let params: Vec<Value> = names.iter().map(|name| parameter(name, &schema)).collect();
    let own = info.errors.iter().filter(|code| !COMMON.contains(code));
    let errors = COMMON.iter().chain(own);
    let errors: Vec<Value> = errors
        .map(|code| json!({ "$ref": format!("#/components/errors/{}", code.name()) }))
        .collect();
    let given = |name: &&&str| section.params.get(**name).is_some();
    let example: Vec<Value> = names
        .iter()
        .filter(given)
        .map(|name| json!({ "name": name, "value": section.params[*name] }))
        .collect();
    json!({
        "name": info.name,
        "summary": info.summary,
        "description": section.description,
        "tags": [{ "name": access(info.access) }],
        "paramStructure": "either",
        "params": params,
        "result": { "name": "result", "schema": (shape.result)(results) },
        "errors": errors,
        "examples": [{
            "name": info.name,
            "params": example,
            "result": { "name": "result", "value": section.result },
        }],
    })
}

fn parameter(name: &str, schema: &Value) -> Value {
    let own = &schema["properties"][name];
    let required = schema["required"].as_array().is_some_and(|names| names.contains(&name.into()));
    json!({
        "name": name,
        "description": own.get("description"),
        "required": required,
        "schema": own,
    })
}

fn access(access: Access) -> &'static str {
    match access {
        Access::Public => "public",
        Access::Dev => "development chains only",
        Access::Admin => "administration listener only",
        Access::Socket => "WebSocket only",
    }
}

/// What an error means, by its row in the table.
fn meaning(name: &str) -> &'static str {
    let row = TEXT.lines().find(|line| line.contains(&format!("| `{name}` |")));
    row.and_then(|row| row.split('|').nth(3)).map_or("", str::trim)
}

/// What the text says of a method.
struct Section {
    description: String,
    params: Value,
    result: Value,
}

impl Section {
    fn of(name: &str) -> Self {
        let text = section(TEXT, name).unwrap_or_default();
        let (params, result) = examples(text).unwrap_or_default();
        let prose = text.split("\nParameters\n").next().unwrap_or_default();
        let paragraphs = prose.split("\n\n").map(str::trim);
        let told = paragraphs.filter(|text| !text.is_empty() && !text.starts_with("Errors:"));
        // The first paragraph is the summary.
        let description = told.skip(1).collect::<Vec<_>>().join("\n\n");
        Self { description, params, result }
    }
}

/// The text of a section.
pub(super) fn section<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split(&format!("\n### {name}\n")).nth(1)?.split("\n### ").next()
}

/// The two JSON blocks in a section: parameters and result.
pub(super) fn examples(section: &str) -> Option<(Value, Value)> {
    let mut blocks = section.split("```json\n").skip(1).map(|rest| rest.split("```").next());
    let mut json = || serde_json::from_str::<Value>(blocks.next()??).ok();
    Some((json()?, json()?))
}

/// OpenRPC wants draft 7, and schemas among its components.
fn settings() -> SchemaSettings {
    SchemaSettings::draft07().with(|settings| {
        settings.definitions_path = SCHEMAS.into();
        settings.meta_schema = None;
    })
}

fn params<P: JsonSchema>() -> Schema {
    let inline = settings().with(|settings| settings.inline_subschemas = true);
    inline.for_deserialize().into_generator().into_root_schema_for::<P>()
}

fn result<R: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<R>()
}

/// The names of a struct's fields in their order, by which parameters may come too: what its reader
/// asks for first.
fn fields<P: DeserializeOwned>() -> &'static [&'static str] {
    let mut names = FieldNames(&[]);
    // Nothing is read: the names are all that is wanted.
    let _ = P::deserialize(&mut names);
    names.0
}

struct FieldNames(&'static [&'static str]);

impl<'de> Deserializer<'de> for &mut FieldNames {
    type Error = serde::de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(serde::de::Error::custom("not a struct"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0 = fields;
        self.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(name: &str) -> &'static Value {
        let methods = &document().methods;
        methods.iter().find(|method| method["name"] == name).expect("every method is described")
    }

    #[test]
    fn every_method_is_described_in_full() {
        check(document(), METHODS);
        check(admin_document(), ADMIN_METHODS);
        let listed = |method: &&MethodInfo| method.access == Access::Admin;
        assert_eq!(METHODS.iter().find(listed).map(|method| method.name), None);
        assert!(ADMIN_METHODS.iter().all(|method| listed(&method)));
    }

    fn check(document: &OpenRpc, table: &[MethodInfo]) {
        let names: Vec<&Value> = document.methods.iter().map(|method| &method["name"]).collect();
        let table: Vec<&str> = table.iter().map(|method| method.name).collect();
        assert_eq!(names, table);
        for method in &document.methods {
            let name = &method["name"];
            assert!(method["summary"].as_str().is_some_and(|text| text.ends_with('.')), "{name}");
            assert!(!method["examples"][0]["result"]["value"].is_null(), "{name}");
            for parameter in method["params"].as_array().expect("a list") {
                assert!(parameter["schema"].is_object(), "{name}: {parameter}");
                assert!(parameter["description"].is_string(), "{name}: {parameter}");
            }
        }
        for (_, _, name) in ErrorCode::all() {
            let message = &document.components["errors"][name]["message"];
            assert!(message.as_str().is_some_and(|text| !text.is_empty()), "{name}");
        }
    }

    #[test]
    fn parameters_are_in_the_order_of_their_positions() {
        let names = |method: &str| -> Vec<String> {
            let params = described(method)["params"].as_array().expect("a list");
            params.iter().map(|param| param["name"].as_str().expect("a name").to_owned()).collect()
        };
        assert_eq!(names("account_get"), ["address", "at", "min_height", "prove"]);
        assert_eq!(names("tx_wait"), ["hash", "timeout_ms"]);
        assert_eq!(names("chain_info"), Vec::<String>::new());
        assert_eq!(described("account_get")["params"][0]["required"], true);
        assert_eq!(described("account_get")["params"][1]["required"], false);
    }

    #[test]
    fn results_refer_to_schemas_that_are_there() {
        let schemas = &document().components["schemas"];
        let text = serde_json::to_string(&document()).expect("plain JSON");
        for rest in text.split("#/components/schemas/").skip(1) {
            let name = rest.split('"').next().expect("a string ends");
            assert!(schemas[name].is_object(), "{name}");
        }
        assert!(schemas["Event"].is_object());
    }
}
