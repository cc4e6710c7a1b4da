//! `rpc METHOD [PARAMS]`.

use clap::Args;
use serde_json::{Map, Value};

use super::context::Context;
use super::output::{Failure, Outcome, Reply};

/// Call a JSON-RPC method.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  logothete rpc chain_info\n  logothete rpc block_get height=12 transactions=true\n  \
    logothete rpc block_get '{\"height\":\"12\"}'\n\nA value is JSON if it parses as a boolean, list or object; \
    numbers are sent as decimal strings, as the interface wants them."
)]
pub struct Rpc {
    /// Name of the method.
    method: String,
    /// Parameters: one JSON object or array, or NAME=VALUE.
    params: Vec<String>,
}

/// Calls and prints the result as JSON.
///
/// # Errors
/// Parameters that cannot be read; the node's refusal.
pub async fn perform(context: &Context, command: Rpc) -> Outcome {
    let params = parse(&command.params)?;
    let client = context.client()?;
    let result = client.call_raw(&command.method, params).await?;
    let text = serde_json::to_string_pretty(&result).unwrap_or_default();
    Ok(Reply::new(result, text))
}

fn parse(params: &[String]) -> Result<Value, Failure> {
    if let [only] = params
        && only.starts_with(['{', '['])
    {
        return serde_json::from_str(only)
            .map_err(|error| Failure::usage(format!("the parameters are not JSON: {error}")));
    }
    let mut object = Map::new();
    for param in params {
        let Some((name, text)) = param.split_once('=') else {
            let message = format!("{param}: neither JSON nor NAME=VALUE");
            return Err(Failure::usage(message).with_hint("for example: block_get height=12"));
        };
        let value = match serde_json::from_str(text) {
            Ok(value @ (Value::Bool(_) | Value::Array(_) | Value::Object(_) | Value::Null)) => {
                value
            }
            _ => Value::String(text.to_owned()),
        };
        object.insert(name.to_owned(), value);
    }
    Ok(Value::Object(object))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_are_json_or_named() {
        let named = ["height=12".to_owned(), "transactions=true".to_owned()];
        assert_eq!(parse(&named).unwrap(), json!({ "height": "12", "transactions": true }));
        assert_eq!(parse(&["[\"a\"]".to_owned()]).unwrap(), json!(["a"]));
        assert_eq!(parse(&[]).unwrap(), json!({}));
        assert!(parse(&["{".to_owned()]).is_err());
        assert!(parse(&["12".to_owned()]).is_err());
    }
}
