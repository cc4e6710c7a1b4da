//! From a snapshot to cells: nothing is asked here, and the same snapshot looks the same.

use std::time::Duration;

use logothete_client::rpc::types::{NodeStatus, PeerView, SyncState, VoteSlot};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph, Row, Table, Widget, Wrap};

use super::snapshot::{Asked, Details, Snapshot};
use crate::cli::output::short;
use crate::cli::{show, status};

/// Narrower, and the peers go below the votes.
const WIDE: u16 = 72;
/// Lower, and only one of the two is shown.
const TALL: u16 = 14;
const BAD: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
const GOOD: Style = Style::new().fg(Color::Green);
const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);

impl Widget for &Snapshot {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let nodes = u16::try_from(self.nodes.len()).unwrap_or(u16::MAX);
        // One node is told by the first lines already.
        let nodes = if nodes > 1 && area.height >= 20 { nodes.saturating_add(2).min(8) } else { 0 };
        let why = if area.width < WIDE { 4 } else { 3 };
        let [head, sentence, table, rest] = Layout::vertical([
            Constraint::Length(3),
            Constraint::Length(why),
            Constraint::Length(nodes),
            Constraint::Min(0),
        ])
        .areas(area);
        Paragraph::new(self.head()).render(head, buffer);
        Paragraph::new(self.sentence()).wrap(Wrap { trim: true }).render(sentence, buffer);
        if nodes > 0 {
            self.node_table().render(table, buffer);
        }
        if let Some(details) = &self.details {
            let (votes, peers) = split(rest);
            vote_table(details).render(votes, buffer);
            if let Some(peers) = peers {
                peer_table(details).render(peers, buffer);
            }
        }
    }
}

/// Places for the votes and, if there is room, for the peers.
fn split(area: Rect) -> (Rect, Option<Rect>) {
    let halves = [Constraint::Fill(1), Constraint::Fill(1)];
    if area.width >= WIDE {
        let [left, right] = Layout::horizontal(halves).areas(area);
        return (left, Some(right));
    }
    if area.height >= TALL {
        let [above, below] = Layout::vertical(halves).areas(area);
        return (above, Some(below));
    }
    (area, None)
}

impl Snapshot {
    /// Who, where to, how fast.
    fn head(&self) -> Vec<Line<'static>> {
        let Some(asked) = self.nodes.get(self.shown) else { return Vec::new() };
        let url = asked.url.trim_start_matches("http://").to_owned();
        let Ok(status) = &asked.status else {
            return vec![Line::from(vec![Span::styled(url, STRONG), "  q quits".into()])];
        };
        let name = status.name.clone().unwrap_or_else(|| "follower".to_owned());
        let title = format!(
            "  {url} · {} · {}  q quits, Tab next",
            status::mode(status.mode),
            status.version
        );
        vec![
            Line::from(vec![Span::styled(name, STRONG), Span::raw(title)]),
            Line::raw(self.progress(status)),
            Line::raw(self.figures(status)),
        ]
    }

    fn progress(&self, status: &NodeStatus) -> String {
        let mut text = format!("height {}", show::grouped(status.height.get()));
        let view = show::grouped(status.view.get());
        if let Some(details) = &self.details {
            let head = Duration::from_millis(details.why.head_age_ms);
            let age = Duration::from_millis(details.consensus.view_age_ms);
            text.push_str(&format!(" ({} ago)", show::duration(head)));
            text.push_str(&format!(" · view {view} (for {})", show::duration(age)));
        } else {
            text.push_str(&format!(" · view {view}"));
        }
        if let Some(pace) = self.blocks_per_second {
            text.push_str(&format!(" · {pace:.1} blocks/s"));
        }
        text
    }

    fn figures(&self, status: &NodeStatus) -> String {
        let sync = match status.sync.state {
            SyncState::Following => "level".to_owned(),
            SyncState::Fetching => format!("{} blocks behind", show::grouped(status.sync.lag)),
            SyncState::NoPeers => "no peers".to_owned(),
        };
        let mut text = format!("{sync} · {} peers", status.peers);
        if let Some(finality) = status.finality_ms {
            text.push_str(&format!(" · finality {}/{} ms", finality.p50, finality.p99));
        }
        if let Some(Details { mempool, .. }) = &self.details {
            text.push_str(&format!(
                " · mempool {} of {}, {} in flight",
                show::grouped(mempool.count.into()),
                show::grouped(mempool.max_count.into()),
                show::grouped(mempool.in_flight.into())
            ));
        }
        text
    }

    /// What is in the way, and what to do.
    fn sentence(&self) -> Vec<Line<'static>> {
        let Some(asked) = self.nodes.get(self.shown) else { return Vec::new() };
        match (&asked.status, &self.details) {
            (Err(error), _) => {
                vec![Line::from(vec![
                    Span::styled("✘ does not answer: ", BAD),
                    error.clone().into(),
                ])]
            }
            (Ok(_), Some(Details { why, .. })) if why.healthy => {
                vec![Line::from(vec![Span::styled("✔ ", GOOD), why.summary.clone().into()])]
            }
            (Ok(_), Some(Details { why, .. })) => vec![
                Line::from(vec![Span::styled("✘ ", BAD), why.summary.clone().into()]),
                Line::raw(format!("do: {}", why.advice)),
            ],
            (Ok(status), None) => vec![Line::raw(status.summary.clone())],
        }
    }

    fn node_table(&self) -> Table<'static> {
        let rows = self.nodes.iter().enumerate().map(|(number, asked)| {
            let row = Row::new(node_row(asked));
            if number == self.shown { row.style(STRONG) } else { row }
        });
        let widths = [
            Constraint::Length(9),
            Constraint::Length(21),
            Constraint::Length(12),
            Constraint::Fill(1),
        ];
        Table::new(rows, widths).block(titled("nodes".to_owned()))
    }
}

fn node_row(asked: &Asked) -> [String; 4] {
    let url = asked.url.trim_start_matches("http://").to_owned();
    match &asked.status {
        Ok(status) => [
            status.name.clone().unwrap_or_else(|| "follower".to_owned()),
            url,
            show::grouped(status.height.get()),
            status.summary.clone(),
        ],
        Err(_) => ["?".to_owned(), url, "-".to_owned(), "does not answer".to_owned()],
    }
}

/// Who has sent what for the current view. Letters and not colour alone.
fn vote_table(details: &Details) -> Table<'static> {
    let (consensus, why) = (&details.consensus, &details.why);
    let leader = consensus.leader.as_ref().map(|leader| leader.index);
    let is_missing =
        |slot: &VoteSlot| why.missing.iter().any(|missing| missing.index == slot.validator.index);
    let rows = consensus.votes.iter().map(|slot| {
        let is_leader = leader == Some(slot.validator.index);
        let name = show::validator(&slot.validator);
        let sign = |sent: bool, letter: &'static str| if sent { letter } else { "·" };
        let votes =
            [sign(slot.prepare, "P"), sign(slot.commit, "C"), sign(slot.timeout, "T")].join(" ");
        let state = match (is_missing(slot), is_leader) {
            (true, _) => "missing",
            (false, true) => "leads",
            (false, false) => "",
        };
        let row = Row::new([name, slot.power.to_string(), votes, state.to_owned()]);
        if is_missing(slot) { row.style(BAD) } else { row }
    });
    let widths =
        [Constraint::Fill(1), Constraint::Length(5), Constraint::Length(5), Constraint::Length(7)];
    let title = format!("votes · power {}, {} decide", why.power_present, why.quorum);
    Table::new(rows, widths)
        .header(Row::new(["name", "power", "P C T", ""]).style(STRONG))
        .block(titled(title))
}

fn peer_table(details: &Details) -> Table<'static> {
    let rows = details.peers.items.iter().map(|peer| Row::new(peer_row(peer)));
    let widths =
        [Constraint::Fill(1), Constraint::Length(9), Constraint::Length(10), Constraint::Length(7)];
    Table::new(rows, widths)
        .header(Row::new(["name", "trip µs", "height", "version"]).style(STRONG))
        .block(titled(format!("peers · {}", details.peers.items.len())))
}

fn peer_row(peer: &PeerView) -> [String; 4] {
    let unknown = || "-".to_owned();
    let trip = peer.round_trip_us.map(|micros| show::grouped(micros.into()));
    let version = peer.version.rsplit('/').next().unwrap_or_default().to_owned();
    [
        peer.name.clone().unwrap_or_else(|| short(&peer.key.to_string())),
        trip.unwrap_or_else(unknown),
        peer.height.map_or_else(unknown, show::grouped),
        version,
    ]
}

fn titled(title: String) -> Block<'static> {
    Block::new().borders(Borders::TOP).title(title)
}

#[cfg(test)]
mod tests;
