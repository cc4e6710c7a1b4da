//! `account show|history|prove`.

use clap::{Args, Subcommand};
use logothete_client::rpc::method::{AccountGetMethod, AccountHistoryMethod};
use logothete_client::rpc::types::{AccountGet, AccountHistory, AccountView, AddressActivity};
use logothete_client::verify;
use logothete_primitives::Height;
use serde_json::json;

use super::context::{Context, Paging};
use super::output::{Exit, Failure, Outcome, Reply, short, table};
use super::show;

/// Accounts, by address or by name.
#[derive(Debug, Subcommand)]
pub enum Account {
    /// Balance and next nonce.
    #[command(
        after_help = "Examples:\n  logothete account show alice\n  logothete account show lgt1… --at 120"
    )]
    Show(Show),
    /// Transactions that touched the account, newest first.
    #[command(after_help = "Example:\n  logothete account history alice --limit 50")]
    History(History),
    /// Balance and nonce with a proof, verified here against the chain file.
    #[command(after_help = "Example:\n  logothete account prove alice --json > proof.json")]
    Prove(Show),
}

/// Which account, and when.
#[derive(Args, Debug)]
pub struct Show {
    /// Address or name.
    account: String,
    /// Read as of this height.
    #[arg(long, value_name = "HEIGHT")]
    at: Option<u64>,
}

/// Arguments of `account history`.
#[derive(Args, Debug)]
pub struct History {
    /// Address or name.
    account: String,
    #[command(flatten)]
    paging: Paging,
}

/// Reads an account.
///
/// # Errors
/// An unknown name; the node's refusal; a proof that does not verify.
pub async fn perform(context: &Context, command: Account) -> Outcome {
    match command {
        Account::Show(wish) => {
            let view = read(context, &wish, false).await?;
            let text = describe(&view);
            Ok(Reply::new(view, text))
        }
        Account::History(wish) => history(context, wish).await,
        Account::Prove(wish) => prove(context, &wish).await,
    }
}

async fn read(context: &Context, wish: &Show, prove: bool) -> Result<AccountView, Failure> {
    let address = context.address(&wish.account)?;
    let at = wish.at.map(Height::new);
    context.call::<AccountGetMethod>(AccountGet { address, at, min_height: None, prove }).await
}

fn describe(view: &AccountView) -> String {
    let unknown = if view.exists { "" } else { "   (never received anything)" };
    format!(
        "address  {}\nbalance  {}{unknown}\nnonce    {} next{}\nread at  height {}, block {}",
        view.address,
        view.balance,
        view.next_nonce,
        if view.next_nonce == view.nonce {
            String::new()
        } else {
            format!(", {} executed", view.nonce)
        },
        view.at.height,
        short(&view.at.hash.to_string()),
    )
}

async fn history(context: &Context, wish: History) -> Outcome {
    let address = context.address(&wish.account)?;
    let Paging { cursor, limit } = wish.paging;
    let params = AccountHistory { address, cursor, limit: Some(limit), min_height: None };
    let page = context.call::<AccountHistoryMethod>(params).await?;
    let row = |entry: &AddressActivity| {
        let outcome = if entry.success { "" } else { "failed" };
        vec![
            show::time(entry.timestamp),
            entry.height.to_string(),
            short(&entry.hash.to_string()),
            format!("+{}", entry.received),
            format!("-{}", entry.sent),
            entry.fee.to_string(),
            outcome.to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = page.items.iter().map(row).collect();
    let mut text = table(&["time", "block", "tx", "received", "sent", "fee", ""], &rows);
    if let Some(cursor) = &page.next_cursor {
        text.push_str(&format!("more: --cursor {cursor}"));
    }
    Ok(Reply::new(page, text))
}

async fn prove(context: &Context, wish: &Show) -> Outcome {
    let spec = context.trusted_spec()?;
    let view = read(context, wish, true).await?;
    let Some(proof) = &view.proof else {
        return Err(Failure::new("not_attested", "the state of this height is not attested yet")
            .with_exit(Exit::Unknown)
            .with_hint("ask again in a moment"));
    };
    let certified = verify::account(&view, proof, &spec.chain_id(), &spec.validator_set())?;
    let text = format!(
        "{}\n{} proof verified locally: block {} with {} of {} voting power",
        describe(&view),
        context.printer.tick(),
        certified.height,
        certified.power,
        certified.total_power,
    );
    Ok(Reply::new(json!({ "account": view, "verified": true }), text))
}
