//! `top`: what `status` and `why` say, on a terminal, twice a second.

mod draw;
mod snapshot;

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use clap::Args;
use futures::FutureExt as _;
use futures::future::{BoxFuture, OptionFuture};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use self::snapshot::{Node, Pace, Snapshot};
use super::context::Context;
use super::output::{Failure, Outcome, Reply};

/// How often the nodes are asked.
const INTERVAL: Duration = Duration::from_millis(500);
/// Keys that may wait.
const KEYS_MAX: usize = 16;

/// The nodes on a terminal, twice a second: height, view, who votes, figures, and what is in the way.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  logothete top\n  logothete top --url http://10.0.0.1:8080,http://10.0.0.2:8080\n\n\
    Keys: q or Escape quits, Tab shows the next node.\nVotes for the current view: P prepare, C commit, T timeout."
)]
pub struct Top {}

/// What a key asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Wish {
    Quit,
    Next,
    Redraw,
}

/// Draws until it is told to stop.
///
/// # Errors
/// There is no terminal.
pub async fn perform(context: &Context) -> Outcome {
    if context.printer.json || !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(Failure::usage("top draws on a terminal, and there is none to draw on")
            .with_hint("ask once with `logothete status --json`, or again and again with `logothete status --watch`"));
    }
    let nodes = context.urls().into_iter().map(Node::new).collect::<Result<Vec<_>, _>>()?;
    let mut terminal = Restored(ratatui::try_init()?);
    watch(&nodes, &mut terminal.0).await?;
    Ok(Reply::new(json!({}), ""))
}

/// Leaves the terminal as it was found, however the command ends.
struct Restored(DefaultTerminal);

impl Drop for Restored {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

async fn watch(nodes: &[Node], terminal: &mut DefaultTerminal) -> io::Result<()> {
    let mut keys = keys();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut shown, mut pace) = (0, Pace::default());
    let mut last = Snapshot::default();
    // Keys are answered while a node keeps us waiting.
    let mut taking: Option<BoxFuture<'_, Snapshot>> = None;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            wish = keys.recv() => match wish {
                None | Some(Wish::Quit) => return Ok(()),
                Some(Wish::Next) => {
                    shown = (shown + 1) % nodes.len().max(1);
                    pace = Pace::default();
                    taking = Some(Snapshot::take(nodes, shown).boxed());
                    continue;
                }
                Some(Wish::Redraw) => {}
            },
            _ = ticks.tick(), if taking.is_none() => {
                taking = Some(Snapshot::take(nodes, shown).boxed());
                continue;
            }
            Some(taken) = OptionFuture::from(taking.as_mut()), if taking.is_some() => {
                (last, taking) = (taken, None);
                last.blocks_per_second = pace.of(last.height());
            }
        }
        terminal.draw(|frame| frame.render_widget(&last, frame.area()))?;
    }
}

/// Keys, read on a thread of their own that ends with the process.
fn keys() -> mpsc::Receiver<Wish> {
    let (sender, receiver) = mpsc::channel(KEYS_MAX);
    std::thread::spawn(move || {
        while let Ok(event) = event::read() {
            if let Some(wish) = wish_of(&event)
                && sender.blocking_send(wish).is_err()
            {
                return;
            }
        }
    });
    receiver
}

fn wish_of(event: &Event) -> Option<Wish> {
    let key = match event {
        Event::Key(key) if key.kind == KeyEventKind::Press => key,
        Event::Resize(..) => return Some(Wish::Redraw),
        _ => return None,
    };
    match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Wish::Quit),
        KeyCode::Char('q') | KeyCode::Esc => Some(Wish::Quit),
        KeyCode::Tab => Some(Wish::Next),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use ratatui::crossterm::event::KeyEvent;

    use super::*;

    #[test]
    fn keys_quit_and_turn_to_the_next_node() {
        let press = |code, modifiers| wish_of(&Event::Key(KeyEvent::new(code, modifiers)));
        let none = KeyModifiers::NONE;
        assert_eq!(press(KeyCode::Char('q'), none), Some(Wish::Quit));
        assert_eq!(press(KeyCode::Esc, none), Some(Wish::Quit));
        assert_eq!(press(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Wish::Quit));
        assert_eq!(press(KeyCode::Char('c'), none), None);
        assert_eq!(press(KeyCode::Tab, none), Some(Wish::Next));
        assert_eq!(wish_of(&Event::Resize(80, 24)), Some(Wish::Redraw));
    }
}
